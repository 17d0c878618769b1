"""Reading and writing tables over PostgREST."""
