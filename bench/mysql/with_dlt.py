"""Writes lineitem by dlt into a folder: python with_dlt.py <url> <folder> <csv|parquet>, in an environment with dlt."""

import sys

import dlt
from dlt.sources.sql_database import sql_table

if __name__ == "__main__":
    url, folder, kind = sys.argv[1:]
    table = sql_table(
        url.replace("mysql:", "mysql+pymysql:"),
        "lineitem",
        backend="connectorx",  # by far the fastest of its backends
        backend_kwargs={"conn": url},
        reflection_level="full_with_precision",
    )
    files = dlt.destinations.filesystem(folder)
    pipeline = dlt.pipeline("bench", pipelines_dir=f"{folder}/pipelines", destination=files, dataset_name="out")
    pipeline.run(table, loader_file_format=kind, write_disposition="replace").raise_on_failed_jobs()
