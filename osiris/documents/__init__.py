"""Reading YAML and JSON files as plain data that knows where each part of it stands."""

from osiris.documents.document import Document, load, loads

__all__ = ["Document", "load", "loads"]
