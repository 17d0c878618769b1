"""Components: what may be asked of each, read from the specs of all families."""
