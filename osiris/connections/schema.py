"""`connections_schema`: the JSON Schema of `osiris_connections.yaml`, the fields of each family from its specs."""

from __future__ import annotations

from typing import Any

from osiris.components.catalog import Catalog
from osiris.components.schema import DIALECT, Schema, Written
from osiris.connections import layout
from osiris.errors import OsirisError

DEFAULT: Schema = {
    "default": {"description": "Whether a step that names no connection means this one.", "type": "boolean"}
}


def connections_schema(catalog: Catalog) -> Schema:
    """The families of the project's catalog; one whose specs cannot be read may have any fields."""
    families = {family: _family(catalog, family) for family in catalog.registry.families()}
    return {
        "$schema": DIALECT,
        "$id": f"urn:osiris:connections:{layout.VERSION}",
        "title": "Osiris connections",
        "description": "Where systems are and how to log in. ${VAR} stands for a variable of the environment.",
        "type": ["object", "null"],
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            **layout.TOP,
            "connections": {**layout.TOP["connections"], "additionalProperties": False, "properties": families},
        },
    }


def _family(catalog: Catalog, family: str) -> Schema:
    at = f"#/properties/connections/properties/{family}/additionalProperties"
    try:
        fields = Written(catalog.connection_rules(family), at=at).schema()
    except OsirisError:
        fields = {"type": "object", "properties": {}}
    fields["properties"] = DEFAULT | fields["properties"]
    described: dict[str, Any] = {"description": f"Connections of the family {family}, by alias."}
    return {
        **described,
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": rf"^(?:{layout.ALIAS.pattern})$"},
        "additionalProperties": fields,
    }
