"""Connectors: the contracts (`base`), finding them (`registry`), open ones (`pool`), and a package for each family."""
