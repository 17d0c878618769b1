"""The JSON Schemas of a project's files, made from its own components, and where editors find them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from osiris import settings
from osiris.components.catalog import Catalog
from osiris.components.component import Component
from osiris.connections import layout
from osiris.connections.schema import connections_schema
from osiris.errors import OsirisError

Schema = Mapping[str, Any]
FOLDER = PurePosixPath(".osiris/schemas")
"""Below the project's folder. It is made anew by `osiris schema --write`, so it is not for version control."""
PIPELINE = re.compile(r"^oml_version\s*:", re.MULTILINE)
COMMENT = "# yaml-language-server: $schema="


def schemas(catalog: Catalog) -> dict[str, Schema]:
    """The schemas by name: `connections`, `pipeline`, `settings`."""
    from osiris.compile.schema import pipeline_schema

    return {
        "connections": connections_schema(catalog),
        "pipeline": pipeline_schema(_usable(catalog)),
        "settings": settings.SCHEMA,
    }


def files(catalog: Catalog) -> dict[str, str]:
    """The schemas as texts, by their paths below the project's folder."""
    found = schemas(catalog)
    return {
        str(FOLDER / f"{name}.json"): json.dumps(found[name], indent=2, ensure_ascii=False) + "\n" for name in found
    }


def wired(name: str, text: str) -> str:
    """`text`, the file `name` of a project, with a first line that tells editors its schema, if it has one."""
    schema = _schema_of(name, text)
    if schema is None or text.startswith(COMMENT):
        return text
    up = "../" * (len(PurePosixPath(name).parts) - 1)
    return f"{COMMENT}{up}{FOLDER / schema}.json\n{text}"


def _schema_of(name: str, text: str) -> str | None:
    known = {layout.FILE: "connections", settings.FILE: "settings"}
    if name in known:
        return known[name]
    return "pipeline" if Path(name).suffix in (".yaml", ".yml") and PIPELINE.search(text) else None


def _usable(catalog: Catalog) -> list[Component]:
    """The components whose specs can be read; `osiris components list` tells of the others."""
    found = []
    for name in catalog.names():
        try:
            found.append(catalog.get(name))
        except OsirisError:
            continue
    return found
