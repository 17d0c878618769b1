"""`Discovered`: what there is to read through a connection, with a fingerprint that changes when it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osiris import canonical
from osiris.connectors.base import Resource
from osiris.secrets import redactor


@dataclass(frozen=True, slots=True)
class Discovered:
    """`connection` is the reference that was asked. Estimates of rows are not part of the `fingerprint`."""

    connection: str
    resources: tuple[Resource, ...]

    @property
    def fingerprint(self) -> str:
        """`sha256:…` over names, types and fields."""
        resources = [resource_to_json(resource) for resource in self.resources]
        return canonical.digest([{k: v for k, v in row.items() if k != "estimated_rows"} for row in resources])

    def to_json(self) -> dict[str, Any]:
        """The document of `discover --json`, masked."""
        resources = [resource_to_json(resource) for resource in self.resources]
        document = {"connection": self.connection, "resources": resources}
        return {**redactor.leaves(document), "fingerprint": self.fingerprint}


def resource_to_json(resource: Resource) -> dict[str, Any]:
    fields = [
        {"name": field.name, "type": field.type, "nullable": field.nullable, "primary_key": field.primary_key}
        for field in resource.fields
    ]
    found: dict[str, Any] = {"name": resource.name, "type": resource.type}
    if resource.schema is not None:
        found["schema"] = resource.schema
    if resource.estimated_rows is not None:
        found["estimated_rows"] = resource.estimated_rows
    return {**found, "fields": fields}
