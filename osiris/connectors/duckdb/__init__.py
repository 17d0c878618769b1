"""DuckDB: a database in one file, and the engine that runs a pipeline's SQL."""
