"""A small world to check pipelines in: specs and connections written to disk, read by the real catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from osiris import documents
from osiris.compile.check import Checked, check
from osiris.compile.issues import Issue
from osiris.compile.manifest import Manifest
from osiris.compile.schema import pipeline_schema
from osiris.components import catalog as catalogs
from osiris.components.catalog import Catalog
from osiris.connections import Connections
from osiris.connectors.registry import Provider, Registry

FIELDS = """
    host: {type: string}
    port: {type: integer, default: 3306}
    database: {type: string}
    schema: {type: string}
    password: {type: string}
"""
CONNECTION = """
secrets: [/password]
x-connection-fields:
  - {name: host, override: forbidden}
  - {name: port, override: forbidden}
  - {name: database, override: warning}
  - {name: schema, override: allowed}
  - {name: password, override: forbidden}
"""
SPECS = {
    "shop.extractor": f"""
name: shop.extractor
version: 1.0.0
title: Reads a shop
modes: [extract, discover]
capabilities: {{discover: true, splits: false, atomic: false}}
configSchema:
  type: object
  additionalProperties: false
  required: [host]
  properties:
{FIELDS}
    table: {{type: string}}
    query: {{type: string}}
    limit: {{type: integer, minimum: 1}}
    columns: {{type: array, items: {{type: string}}}}
    batch_size: {{type: integer, default: 1000}}
constraints:
  - exactly_one_of: [table, query]
aliases: {{chunk: batch_size}}
{CONNECTION}
""",
    "shop.writer": f"""
name: shop.writer
version: 1.0.0
title: Writes to a shop
modes: [write]
capabilities: {{discover: false, splits: false, atomic: true}}
configSchema:
  type: object
  additionalProperties: false
  required: [host, table]
  properties:
{FIELDS}
    table: {{type: string}}
    write_mode: {{type: string, enum: [append, replace, upsert], default: append}}
    primary_key: {{anyOf: [{{type: string}}, {{type: array, items: {{type: string}}}}]}}
    create_if_missing: {{type: boolean, default: false}}
constraints:
  - {{when: {{write_mode: upsert}}, require: [primary_key]}}
{CONNECTION}
""",
    "box.processor": """
name: box.processor
version: 1.0.0
title: Turns rows
modes: [transform]
capabilities: {discover: false, splits: false, atomic: false}
configSchema:
  type: object
  additionalProperties: false
  required: [query]
  properties:
    query: {type: string}
""",
    "loose.writer": """
name: loose.writer
version: 1.0.0
title: Posts rows
modes: [write]
capabilities: {discover: false, splits: false, atomic: false}
configSchema:
  type: object
  additionalProperties: false
  required: [path]
  properties:
    path: {type: string}
    token: {type: string}
    headers: {type: object, additionalProperties: {type: string}}
    retries: {type: integer}
secrets: [/token]
""",
}
CONNECTIONS = """
version: 1
connections:
  shop:
    main: {default: true, host: db.example, database: prod, password: "${SHOP_PASSWORD}"}
    test: {host: localhost, database: test, password: "${SHOP_PASSWORD}"}
"""
SHAPE = {
    "columns.mode",
    "columns.shape",
    "columns.unknown_key",
    "component.unknown",
    "option.constraint",
    "option.range",
    "option.type",
    "option.unknown",
    "option.value",
    "param.shape",
    "param.type",
    "param.unknown_key",
    "pipeline.name",
    "pipeline.shape",
    "pipeline.steps",
    "pipeline.unknown_key",
    "pipeline.version",
    "profile.shape",
    "profile.unknown_key",
    "retry.unknown_key",
    "secret.inline",
    "step.for_each",
    "step.id",
    "step.inputs",
    "step.missing_key",
    "step.mode",
    "step.needs",
    "step.retry",
    "step.shape",
    "step.timeout",
    "step.unknown_key",
}
"""The faults that a schema can see; of the others it knows nothing."""
HEAD = 'oml_version: "0.1.0"\nname: p\n'


@dataclass
class World:
    """A project folder with the specs above; `check` and `manifest` work on a text."""

    root: Path
    catalog: Catalog
    connections: Connections
    environ: dict[str, str] = field(default_factory=dict)

    @cached_property
    def schema(self) -> Draft202012Validator:
        """The published schema, for these specs."""
        return Draft202012Validator(pipeline_schema([self.catalog.get(name) for name in self.catalog.names()]))

    def check(self, text: str, params: Mapping[str, str] | None = None, profile: str | None = None) -> Checked:
        path = self.root / "p.yaml"
        path.write_text(text, encoding="utf-8")
        checked = check(
            path,
            catalog=self.catalog,
            connections=self.connections,
            params=params or {},
            profile=profile,
            environ=self.environ,
        )
        self._as_the_schema_has_it(text, checked)
        return checked

    def _as_the_schema_has_it(self, text: str, checked: Checked) -> None:
        """What is valid is valid by the published schema too, and a fault of shape alone is one by it too."""
        codes = {error.code for error in checked.errors}
        if not codes:
            self.schema.validate(documents.loads(text, "p.yaml").value)
        elif codes <= SHAPE and "${" not in text:
            assert not self.schema.is_valid(documents.loads(text, "p.yaml").value), codes

    def steps(self, text: str, params: Mapping[str, str] | None = None) -> Checked:
        """As `check`, for the lines below `steps:`, which is line 3."""
        return self.check(f"{HEAD}steps:\n{text}", params)

    def manifest(self, text: str, params: Mapping[str, str] | None = None, profile: str | None = None) -> Manifest:
        checked = self.check(text, params, profile)
        assert checked.valid, [str(issue) for issue in checked.errors]
        return checked.manifest()


Located = tuple[str, int | None, int | None]


def located(issues: tuple[Issue, ...]) -> list[Located]:
    """Code, line and column of each."""
    return [(issue.code, issue.line, issue.column) for issue in issues]


@pytest.fixture
def errors_of() -> Callable[[Checked], list[Located]]:
    return lambda checked: located(checked.errors)


@pytest.fixture
def warnings_of() -> Callable[[Checked], list[Located]]:
    return lambda checked: located(checked.warnings)


@pytest.fixture
def world(tmp_path: Path) -> World:
    specs = tmp_path / "specs"
    for name, text in SPECS.items():
        (specs / name).mkdir(parents=True)
        (specs / name / "spec.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "osiris_connections.yaml").write_text(CONNECTIONS, encoding="utf-8")
    families = sorted({name.partition(".")[0] for name in SPECS})
    registry = Registry(
        {f: Provider(f, f"osiris_{f}", specs, "osiris-world", "1.2.3", builtin=False) for f in families}
    )
    catalog = catalogs.load(registry)
    return World(tmp_path, catalog, Connections.load(tmp_path, catalog, {}))
