"""The contract between a run and a connector: extract, write, transform. None of them knows a family."""
