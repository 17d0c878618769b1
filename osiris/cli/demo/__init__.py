"""The demo: generated data of a small shop, the pipeline that joins it, and the check of what came out."""
