"""The filesystem family: CSV and Parquet files, read and written."""
