"""A small, sound connector over files of JSON lines: what the broken ones are made of."""
