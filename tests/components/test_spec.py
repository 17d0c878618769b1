"""Specs: every field is enforced, and what is wrong with one is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from osiris.components import requirements, spec
from osiris.components.audit import audit
from osiris.components.component import Component
from osiris.connectors.registry import Provider
from osiris.errors import ConfigError

SPEC = """\
name: box.csv_extractor
version: 1.0.0-rc.1
title: reads a box
description: a longer text
modes: [extract, discover]
capabilities: {discover: true, splits: false}
configSchema:
  type: object
  additionalProperties: false
  required: [path]
  properties:
    path: {type: string}
    auth: {type: object, properties: {token: {type: string}}}
    limit: {type: integer, default: 5}
    mode: {enum: [a, b]}
    extra: {type: string}
    tags: {type: array, items: {type: string}, default: []}
secrets: [/auth/token]
x-connection-fields: [{name: path, override: allowed}, {name: auth}]
constraints: [{at_most_one_of: [extra, mode]}, {when: {mode: a}, require: [auth], message: why}]
aliases: {max: limit}
examples: [{mode: b, auth: {token: t}}]
x-runtime: {driver: extract, requirements: ["pyarrow>=10,!=10.1", "click[extra]"]}
"""
PROVIDER = Provider("box", "osiris_box", None, "osiris-box", "3.1", builtin=False)


def read(folder: Path, text: str = SPEC) -> Component:
    path = folder / "box.csv_extractor" / "spec.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return spec.read(path, PROVIDER)


def test_a_spec_gives_its_component(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.family, found.kind, found.role, found.version) == ("box", "csv_extractor", "extractor", "1.0.0-rc.1")
    assert found.capabilities == {"discover": True, "splits": False, "atomic": False}
    assert [(field.name, field.override) for field in found.connection_fields] == [
        ("path", "allowed"),
        ("auth", "forbidden"),
    ]
    assert (found.distribution, found.distribution_version, found.driver) == ("osiris-box", "3.1", "extract")
    assert found.option_names == ["limit", "mode", "extra", "tags"]
    assert found.override("auth") == "forbidden"
    assert found.override("limit") is None
    assert audit(found) == []


def test_secrets_are_found_at_any_depth(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert [found.is_secret(*path) for path in [("auth",), ("auth", "token"), ("auth", "token", 0), ("path",)]] == [
        False,
        True,
        True,
        False,
    ]


def test_defaults_are_copies_of_the_options_defaults(tmp_path: Path) -> None:
    found = read(tmp_path)
    found.option_defaults()["tags"].append("x")
    assert found.option_defaults() == {"limit": 5, "tags": []}


def test_a_former_name_is_folded_and_told(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.fold_aliases({"max": 3, "mode": "a"}) == ({"limit": 3, "mode": "a"}, [("max", "limit")])
    assert found.fold_aliases({"max": 3, "limit": 4}) == ({"max": 3, "limit": 4}, [])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: reads a box\n", "", '"title" is missing'),
        ("title: reads a box", 'title: " "', "the title is empty"),
        ("secrets: [", "x-atomic-with: [extra]\nsecrets: [", '"extra" is no field of the connection'),
        ("secrets: [", "x-atomic-with: path\nsecrets: [", '"x-atomic-with" must be'),
        ("title: reads a box", "title: 7", '"title" must be text'),
        ("description: a", "descripton: a", 'unknown key "descripton"'),
        ("name: box.csv_extractor", "name: box.parquet_extractor", "the name must be that of its folder"),
        ("name: box.csv_extractor", "name: Box.reader", "a name is <family>"),
        ("1.0.0-rc.1", '"1.0"', "three numbers"),
        ("modes: [extract, discover]", "modes: [discover]", 'needs the mode "extract"'),
        ("modes: [extract, discover]", "modes: [extract, write]", 'the mode "write" does not go with'),
        ("modes: [extract, discover]", "modes: [extract]", "must agree"),
        ("modes: [extract, discover]", "modes: extract", '"modes" must be a list'),
        ("splits: false", "split: false", 'unknown key "split"'),
        ("splits: false", 'splits: "no"', "must be true or false"),
        ("splits: false", "atomic: true", 'the capability "atomic" does not go with'),
        ("  type: object\n", "  type: array\n", "must be of type object"),
        ("additionalProperties: false", "additionalProperties: true", "additionalProperties: false"),
        ("required: [path]", "required: [pth]", '"pth", which is no property'),
        ("required: [path]", "required: [limit]", "is required and has a default"),
        ("{enum: [a, b]}", "{$ref: 'https://example.invalid/x'}", "must point inside the schema"),
        ("secrets: [/auth/token]", "secrets: [/auth/tokn]", "points to no property"),
        ("secrets: [/auth/token]", "secrets: [auth]", "points to no property"),
        ("{name: auth}]", "{name: auht}]", '"auht" is no property'),
        ("{name: auth}]", "{name: path}]", "named twice"),
        ("override: allowed", "override: maybe", '"override" must be one of'),
        ("{at_most_one_of: [extra, mode]}", "{at_most_one: [extra, mode]}", "a constraint has one of"),
        ("at_most_one_of: [extra, mode]", "at_most_one_of: [extra]", "needs two names"),
        ("at_most_one_of: [extra, mode]", "at_most_one_of: [extra, moed]", '"moed" is no property'),
        ("{mode: a}, require: [auth]", "{moed: a}, require: [auth]", '"moed" is no property'),
        ("{mode: a}, require: [auth]", "{mode: a}", 'needs "require" or "forbid"'),
        ("aliases: {max: limit}", "aliases: {max: limt}", '"limt" is no property'),
        ("aliases: {max: limit}", "aliases: {mode: limit}", "is a property itself"),
        ("examples: [{", "examples: [7, {", "an example is a config"),
        ("driver: extract", "driver: write", 'the driver of this role is "extract"'),
        ("click[extra]", "click; python_version > '3'", "is no requirement"),
    ],
)
def test_every_field_is_enforced(tmp_path: Path, old: str, new: str, message: str) -> None:
    """DESIGN 4: a field is enforced or does not exist."""
    assert old in SPEC
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SPEC.replace(old, new, 1))
    assert message in caught.value.message
    assert str(caught.value.file).endswith("box.csv_extractor/spec.yaml")
    assert caught.value.line is not None


def test_the_place_is_that_of_the_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SPEC.replace("override: allowed", "override: maybe"))
    line = next(n for n, text in enumerate(SPEC.splitlines(), 1) if "override" in text)
    column = SPEC.splitlines()[line - 1].index("allowed") + 1
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{type: integer, default: 5}", "{type: intger, default: 5}", "not a JSON Schema"),
        ("{type: integer, default: 5}", "{type: integer, default: x}", "default: "),
        ("{type: integer, default: 5}", "{type: integer, minimum: 6, default: 5}", "default: "),
        ("path: {type: string}", "path: {type: string, examples: [ok, 7]}", "example: "),
        ("path: {type: string}", "path: {type: string, format: uri-ish}", "is not checked"),
        ("path: {type: string}", "path: {$ref: '#/$defs/gone'}", "leads nowhere"),
        ("at_most_one_of: [extra, mode]", "at_most_one_of: [extra, limit]", "has the default 5"),
        ("{mode: b,", "{mode: c,", "example: "),
        ("{mode: b,", "{mod: b,", "example: "),
        ("{mode: b, auth: {token: t}}", "{mode: a, path: x}", "example: "),
    ],
)
def test_the_audit_holds_schema_defaults_constraints_and_examples_together(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SPEC
    found = audit(read(tmp_path, SPEC.replace(old, new, 1)))
    assert message in found[0].message


def test_an_example_need_not_hold_what_the_connection_holds(tmp_path: Path) -> None:
    text = SPEC.replace("examples: [{mode: b, auth: {token: t}}]", "examples: [{limit: 3}]")
    assert audit(read(tmp_path, text)) == []


@pytest.mark.parametrize("content", ["", "7", "[]", "- a: b", "null"])
def test_a_file_that_is_no_spec_is_a_clear_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError, match="a spec is a mapping"):
        read(tmp_path, content)


def test_requirements_are_compared_with_what_is_installed() -> None:
    major = int(yaml.__version__.split(".")[0])
    good = ["pyyaml", "PyYAML >= 1", f"pyyaml>={major},<{major + 1}", f"pyyaml!={major + 1}"]
    bad = [f"pyyaml>{major + 1}", f"pyyaml=={major + 1}.0", f"pyyaml<{major}", "no-such-distribution-xy", "py yaml"]
    assert requirements.missing(good) == []
    assert requirements.missing(bad) == bad
    assert requirements.name_of("click[extra]>=8") == "click"
