"""The file `osiris_connections.yaml`: where it is found, and the form that it must have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris import documents
from osiris.documents import Document
from osiris.errors import did_you_mean

FILE = "osiris_connections.yaml"
VERSION = 1
TOP: Mapping[str, Mapping[str, Any]] = {
    "version": {"description": "The version of this file's form.", "const": VERSION},
    "connections": {"description": "The connections by family and alias.", "type": ["object", "null"]},
}
"""The file's keys, each with the JSON Schema of its value."""
ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def find(root: Path, environ: Mapping[str, str]) -> Path | None:
    """The nearest file from `root` upward, else the one in `$OSIRIS_HOME`."""
    folders = [root, *root.parents]
    if home := environ.get("OSIRIS_HOME"):
        folders.append(Path(home).expanduser())
    return next((folder / FILE for folder in folders if _is_there(folder / FILE)), None)


def read(path: Path) -> Document:
    """The file, its form checked down to the aliases; fields are looked at when their connection is asked for.

    An empty file holds no connections. Raises ConfigError with line and column.
    """
    document = documents.load(path)
    top = document.value
    if top is None:
        return document
    if not isinstance(top, dict):
        raise document.error('the file must be a mapping with "version: 1" and "connections"')
    for key in top:
        if key not in TOP:
            hint = did_you_mean(key, list(TOP)) or 'families stand below "connections:"'
            raise document.error(f'unknown key "{key}"', key, hint=hint, key=True)
    if isinstance(top.get("version"), bool) or top.get("version") != VERSION:
        raise document.error(f'the file must say "version: {VERSION}"', "version")
    families = top.get("connections")
    if families is not None and not isinstance(families, dict):
        raise document.error('"connections" must be a mapping of families', "connections")
    for family, aliases in (families or {}).items():
        _check_family(document, family, aliases)
    return document


def connections_of(document: Document | None) -> dict[str, dict[str, dict[str, Any]]]:
    """Family to alias to the fields as written, `default` included."""
    top = document.value if document is not None else None
    return (top or {}).get("connections") or {}


def _is_there(path: Path) -> bool:
    """False also where a folder above the project may not be looked into."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def _check_family(document: Document, family: str, aliases: Any) -> None:
    at = ("connections", family)
    if not isinstance(aliases, dict) or not aliases:
        raise document.error(f'"{family}" must be a mapping of aliases to connections', *at)
    default = None
    for alias, fields in aliases.items():
        if not ALIAS.fullmatch(alias):
            hint = "use letters, digits, _ and -"
            raise document.error(f'"{alias}" cannot be an alias', *at, alias, key=True, hint=hint)
        if not isinstance(fields, dict):
            raise document.error(f"the connection @{family}.{alias} must be a mapping of fields", *at, alias)
        is_default = fields.get("default", False)
        if not isinstance(is_default, bool):
            raise document.error('"default" must be true or false', *at, alias, "default")
        if is_default and default is not None:
            text = f"both @{family}.{default} and @{family}.{alias} say default: true"
            raise document.error(text, *at, alias, "default", key=True, hint="keep one of them")
        default = alias if is_default else default
