"""The published schema of osiris_connections.yaml agrees with what is made of such a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from osiris import documents
from osiris.components import catalog
from osiris.connections import Connections
from osiris.connections.schema import connections_schema
from osiris.connectors.registry import Provider, Registry
from osiris.errors import ConfigError

SPEC = """
name: shop.extractor
version: 1.0.0
title: Reads a shop
modes: [extract]
capabilities: {}
configSchema:
  type: object
  additionalProperties: false
  required: [host]
  properties:
    host: {type: string, description: Where it is.}
    port: {type: integer, minimum: 1, default: 3306}
    tls: {type: boolean}
    mode: {enum: [fast, safe]}
    user: {type: string}
    password: {type: string}
    table: {type: string}
constraints:
  - all_or_none: [user, password]
aliases: {username: user, hostname: host}
secrets: [/password]
x-connection-fields: [{name: host}, {name: port}, {name: tls}, {name: mode}, {name: user}, {name: password}]
"""
HEAD = "version: 1\nconnections:\n  shop:\n    main: "
GOOD = [
    HEAD + "{host: x}",
    HEAD + "{host: x, port: 3307, tls: false, mode: safe, default: true}",
    HEAD + '{host: "${HOST}", port: "${PORT}", tls: "${TLS:-true}", mode: "${MODE}"}',
    HEAD + '{host: x, user: u, password: "${PASSWORD}"}',
    HEAD + "{hostname: x, username: u, password: p}",
    "version: 1\nconnections:\n",
    "version: 1\n",
    "",
]
BAD = {
    "a misspelt field": HEAD + "{host: x, prot: 1}",
    "a field of a step": HEAD + "{host: x, table: t}",
    "no host": HEAD + "{port: 1}",
    "a number in quotes": HEAD + '{host: x, port: "1"}',
    "a number out of range": HEAD + "{host: x, port: 0}",
    "none of the choices": HEAD + "{host: x, mode: slow}",
    "half of a pair": HEAD + "{host: x, user: u}",
    "a former name beside the present one": HEAD + "{host: x, hostname: y}",
    "a default that is no boolean": HEAD + '{host: x, default: "yes"}',
    "an alias with a blank": "version: 1\nconnections:\n  shop:\n    a b: {host: x}",
    "a family without connections": "version: 1\nconnections:\n  shop: {}",
    "an unknown family": "version: 1\nconnections:\n  shopp:\n    main: {host: x}",
    "a family at the top": "version: 1\nshop:\n  main: {host: x}",
    "no version": "connections:\n  shop:\n    main: {host: x}",
    "another version": "version: 2\n",
}


@pytest.fixture
def known(tmp_path: Path) -> catalog.Catalog:
    (tmp_path / "specs/shop.extractor").mkdir(parents=True)
    (tmp_path / "specs/shop.extractor/spec.yaml").write_text(SPEC)
    provider = Provider("shop", "osiris_shop", tmp_path / "specs", "osiris-shop", "1.0.0", builtin=False)
    return catalog.load(Registry({"shop": provider}))


def resolved(root: Path, known: catalog.Catalog, text: str) -> None:
    """Everything that is made of the file, with every variable set."""
    (root / "osiris_connections.yaml").write_text(text)
    environ = {"HOST": "x", "PORT": "1", "TLS": "true", "MODE": "fast", "PASSWORD": "p-canary"}
    found = Connections.load(root, known, environ)
    for reference in found.references():
        found.resolve(found.split(reference)[0], reference)


@pytest.mark.parametrize("text", GOOD)
def test_what_can_be_resolved_is_accepted(tmp_path: Path, known: catalog.Catalog, text: str) -> None:
    resolved(tmp_path, known, text)
    Draft202012Validator(connections_schema(known)).validate(documents.loads(text, "c").value)


@pytest.mark.parametrize("mistake", BAD)
def test_a_typical_mistake_is_refused_by_both(tmp_path: Path, known: catalog.Catalog, mistake: str) -> None:
    with pytest.raises(ConfigError):
        resolved(tmp_path, known, BAD[mistake])
    validator = Draft202012Validator(connections_schema(known))
    assert not validator.is_valid(documents.loads(BAD[mistake], "c").value)


def test_a_family_whose_spec_is_broken_may_have_any_fields(tmp_path: Path, known: catalog.Catalog) -> None:
    (tmp_path / "specs/shop.extractor/spec.yaml").write_text("name: shop.extractor\n")
    schema = connections_schema(known)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(documents.loads(HEAD + "{anything: 1}", "c").value)


def test_fields_are_described_and_former_ones_marked(known: catalog.Catalog) -> None:
    schema = connections_schema(known)
    Draft202012Validator.check_schema(schema)
    fields = schema["properties"]["connections"]["properties"]["shop"]["additionalProperties"]["properties"]
    assert fields["host"]["description"] == "Where it is."
    assert fields["port"]["default"] == 3306
    assert fields["username"]["deprecated"] is True
    assert "table" not in fields
