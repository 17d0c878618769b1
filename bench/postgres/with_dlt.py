"""Writes lineitem by dlt: python with_dlt.py <from url> <to url> <schema> <folder>, in an environment with dlt."""

import sys

import dlt
from dlt.sources.sql_database import sql_table

if __name__ == "__main__":
    source, target, schema, folder = sys.argv[1:]
    table = sql_table(
        source.replace("mysql:", "mysql+pymysql:"),
        "lineitem",
        backend="connectorx",  # by far the fastest of its backends
        backend_kwargs={"conn": source},
        reflection_level="full_with_precision",
    )
    there = dlt.destinations.postgres(target)
    pipeline = dlt.pipeline("bench", pipelines_dir=f"{folder}/pipelines", destination=there, dataset_name=schema)
    pipeline.run(table, loader_file_format="csv", write_disposition="replace").raise_on_failed_jobs()
