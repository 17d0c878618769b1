"""The command line: one file a verb in `verbs/`, built by `main.py`, shown by `render.py`."""
