"""The schema of what may be written by some rules agrees with the rules, and lets placeholders stand for any value."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osiris.components import check
from osiris.components.rules import Rules
from osiris.components.schema import Written

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": {
        "path": {"oneOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}]},
        "rows": {"type": "integer", "minimum": 1, "default": 10, "title": "Rows", "description": "How many."},
        "mode": {"enum": ["append", "upsert"], "default": "append"},
        "key": {"type": "array", "minItems": 1, "items": {"enum": ["a", "b"]}},
        "table": {"type": "string"},
        "query": {"type": "string"},
        "user": {"type": "string"},
        "password": {"type": "string"},
        "auth": {"type": "object", "properties": {"token": {"type": "string"}, "kind": {"type": "string"}}},
        "shape": {"$ref": "#/$defs/shape"},
    },
    "$defs": {"shape": {"type": "object", "properties": {"sides": {"type": "integer"}}}},
}
CONSTRAINTS = (
    {"exactly_one_of": ["table", "query"]},
    {"all_or_none": ["user", "password"]},
    {"when": {"mode": "upsert"}, "require": ["key"]},
    {"when": {"mode": "append"}, "forbid": ["key"]},
)
RULES = Rules(
    "thing", SCHEMA, CONSTRAINTS, ("/password", "/auth/token"), {"file": "path", "count": "rows", "n": "rows"}
)


def accepts(written: Written, value: Any) -> bool:
    schema = written.schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid(value)


def test_it_accepts_what_the_rules_accept_and_refuses_what_they_refuse() -> None:
    values: list[dict[str, Any]] = [
        {"path": "x", "table": "t"},
        {"path": ["x", "y"], "table": "t", "rows": 3},
        {"path": "x", "query": "q", "mode": "upsert", "key": ["a"]},
        {"path": "x", "query": "q", "user": "u", "password": "p", "shape": {"sides": 3}},
        {},
        {"table": "t"},
        {"path": 1, "table": "t"},
        {"path": "", "table": "t"},
        {"path": "x"},
        {"path": "x", "table": "t", "query": "q"},
        {"path": "x", "table": "t", "rows": 0},
        {"path": "x", "table": "t", "rows": "3"},
        {"path": "x", "table": "t", "colour": "red"},
        {"path": "x", "table": "t", "mode": "upsrt"},
        {"path": "x", "table": "t", "mode": "upsert"},
        {"path": "x", "table": "t", "key": ["a"]},
        {"path": "x", "table": "t", "mode": "upsert", "key": ["c"]},
        {"path": "x", "table": "t", "user": "u"},
        {"path": "x", "table": "t", "shape": {"sides": "3"}},
    ]
    defaults = {"rows": 10, "mode": "append"}
    for value in values:
        assert accepts(Written(RULES), value) is not bool(check.problems(RULES, defaults | value)), value


@pytest.mark.parametrize(
    "value",
    [
        {"rows": "${N}"},
        {"mode": "${MODE}"},
        {"key": "${KEY}", "mode": "${MODE}"},
        {"key": ["${KEY}", "b"], "mode": "upsert"},
        {"shape": "${SHAPE}"},
        {"shape": {"sides": "${SIDES}"}},
        {"rows": "1${ZEROS}"},
    ],
)
def test_a_placeholder_stands_for_any_value(value: dict[str, Any]) -> None:
    assert accepts(Written(RULES), {"path": "x", "table": "t", **value})


def test_what_an_editor_shows_of_an_option_is_kept_beside_the_choice() -> None:
    rows = Written(RULES).schema()["properties"]["rows"]
    assert rows["title"] == "Rows"
    assert rows["description"] == "How many."
    assert rows["default"] == 10
    assert rows["anyOf"][0] == {"type": "integer", "minimum": 1}


def test_former_names_are_marked_and_count_as_the_present_ones() -> None:
    written = Written(RULES)
    former = written.schema()["properties"]["file"]
    assert former["deprecated"] is True
    assert "path" in former["deprecationMessage"]
    assert accepts(written, {"file": "x", "table": "t"})
    assert not accepts(written, {"file": 3, "table": "t"})
    assert not accepts(written, {"file": "x", "path": "x", "table": "t"})
    assert accepts(written, {"path": "x", "table": "t", "n": 3})
    assert not accepts(written, {"path": "x", "table": "t", "n": 3, "count": 3})
    assert not accepts(written, {"path": "x", "table": "t", "n": 3, "rows": 3})


def test_what_may_be_set_elsewhere_is_never_missing_but_may_be_too_much() -> None:
    written = Written(RULES, elsewhere={"path", "table", "user"})
    assert accepts(written, {})
    assert accepts(written, {"query": "q", "password": "p"})
    assert not accepts(written, {"table": "t", "query": "q"})
    assert not accepts(written, {"user": "u"})
    assert accepts(Written(RULES, elsewhere={"path", "table", "password"}), {"user": "u"})


def test_a_secret_is_a_placeholder_where_it_must_not_stand_as_text() -> None:
    inside, outside = Written(RULES, inline_secrets=False), Written(RULES)
    text = {"path": "x", "table": "t", "user": "u", "password": "hunter2"}
    assert accepts(outside, text)
    assert not accepts(inside, text)
    assert accepts(inside, {**text, "password": "${params.password}"})
    assert not accepts(inside, {"path": "x", "table": "t", "auth": {"token": "abc"}})
    assert accepts(inside, {"path": "x", "table": "t", "auth": {"token": "${params.token}", "kind": "basic"}})
    assert "secret" in outside.schema()["properties"]["password"]["description"]
    assert "secret" in outside.schema()["properties"]["auth"]["anyOf"][0]["properties"]["token"]["description"]


def test_a_reference_inside_follows_the_schema_to_where_it_is_put() -> None:
    whole = {"$defs": {"thing": Written(RULES, at="#/$defs/thing").schema()}, "$ref": "#/$defs/thing"}
    validator = Draft202012Validator(whole)
    assert validator.is_valid({"path": "x", "table": "t", "shape": {"sides": 3}})
    assert not validator.is_valid({"path": "x", "table": "t", "shape": {"sides": "three"}})
