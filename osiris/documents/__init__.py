"""Reading YAML and JSON files as plain data that knows where each part of it stands, and writing such data."""

from osiris.documents.compose import Limits
from osiris.documents.document import Document, load, loads
from osiris.documents.emit import dumps

__all__ = ["Document", "Limits", "dumps", "load", "loads"]
