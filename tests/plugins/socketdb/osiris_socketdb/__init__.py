"""A connector in a package of its own, for a small server that speaks JSON lines: made for tests, and to be read."""
