"""Configs checked in plain words: what is wrong, where, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from osiris.components import check
from osiris.components.problems import Problem
from osiris.components.rules import Rules

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["table"],
    "properties": {
        "table": {"type": "string"},
        "query": {"type": "string", "minLength": 3},
        "limit": {"type": "integer", "minimum": 1, "maximum": 10},
        "ratio": {"type": "number", "exclusiveMaximum": 1},
        "header": {"type": "boolean"},
        "write_mode": {"enum": ["append", "replace", "upsert"]},
        "primary_key": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
        "columns": {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"$ref": "#/$defs/name"}}},
        },
        "dialect": {"type": "object", "additionalProperties": False, "properties": {"quote": {"type": "string"}}},
        "day": {"type": "string", "format": "date"},
        "delimiter": {"type": "string", "pattern": "^.$"},
        "password": {"type": "string", "pattern": "^[a-z]+$"},
        "a/b": {"type": "string", "maxLength": 1},
    },
    "$defs": {"name": {"type": "string", "maxLength": 8}},
}
RULES = Rules("box.writer", SCHEMA, secrets=("/password", "/a~1b"), aliases={"sql": "query"})


def problems(config: dict[str, Any], **more: Any) -> list[Problem]:
    return check.problems(RULES, {"table": "t", **config}, **more)


def only(config: dict[str, Any]) -> Problem:
    (found,) = problems(config)
    return found


def test_a_config_without_faults_has_no_problems() -> None:
    good = {"limit": 3, "ratio": 0.5, "write_mode": "append", "primary_key": ["a"], "day": "2026-01-31"}
    assert problems({**good, "columns": [{"name": "x"}], "dialect": {"quote": "'"}}) == []


@pytest.mark.parametrize(
    ("config", "path", "code", "message", "hint"),
    [
        ({"tabel": 1}, ("tabel",), "unknown", 'unknown option "tabel" of box.writer', 'did you mean "table"?'),
        ({"limit": "3"}, ("limit",), "type", 'must be a whole number, not the text "3"', "remove the quotes"),
        ({"limit": "x"}, ("limit",), "type", 'must be a whole number, not the text "x"', None),
        ({"limit": 3.5}, ("limit",), "type", "must be a whole number, not 3.5", None),
        ({"limit": True}, ("limit",), "type", "must be a whole number, not true", None),
        ({"limit": 0}, ("limit",), "range", "must be at least 1, not 0", None),
        ({"limit": 11}, ("limit",), "range", "must be at most 10, not 11", None),
        ({"ratio": 1}, ("ratio",), "range", "must be less than 1, not 1", None),
        ({"query": 5}, ("query",), "type", "must be text, not 5", "put it in quotes"),
        ({"query": None}, ("query",), "type", "must be text, not empty", "give a value or delete the line"),
        ({"query": "a"}, ("query",), "range", 'must have at least 3 character(s), not "a"', None),
        ({"header": "no"}, ("header",), "type", 'must be true or false, not the text "no"', "write true or false"),
        ({"write_mode": "apend"}, ("write_mode",), "value", '"append", "replace", "upsert", not', '"append"?'),
        ({"primary_key": 5}, ("primary_key",), "type", "must be text or a list, not 5", None),
        ({"primary_key": []}, ("primary_key",), "range", "must have at least 1 item(s)", None),
        ({"primary_key": [1]}, ("primary_key", 0), "type", '"primary_key[0]" of box.writer must be text', "quotes"),
        ({"columns": [{}]}, ("columns", 0, "name"), "missing", 'the option "columns[0].name" of box.writer', None),
        ({"columns": [{"name": "x" * 9}]}, ("columns", 0, "name"), "range", "at most 8 character(s)", None),
        ({"columns": "x"}, ("columns",), "type", "must be a list", "write it as a list"),
        ({"dialect": {"qote": 1}}, ("dialect", "qote"), "unknown", 'unknown key "qote" in "dialect"', '"quote"?'),
        ({"day": "31.1.2026"}, ("day",), "value", 'must be a valid date, not "31.1.2026"', None),
        ({"delimiter": ";;"}, ("delimiter",), "value", "must match ^.$", None),
    ],
)
def test_each_fault_is_told_in_words(
    config: dict[str, Any], path: tuple[Any, ...], code: str, message: str, hint: str | None
) -> None:
    found = only(config)
    assert (found.path, found.code) == (path, f"option.{code}")
    assert message in found.message
    assert (hint or "") in (found.hint or "")


def test_all_faults_are_told_at_once_in_the_order_of_the_config() -> None:
    found = problems({"limit": "x", "tabel": 1, "header": 2})
    assert [problem.path for problem in found] == [("limit",), ("tabel",), ("header",)]


def test_a_required_option_is_told_once() -> None:
    (found,) = check.problems(RULES, {})
    assert (found.path, found.message) == (("table",), 'the option "table" of box.writer is required')


def test_what_is_set_elsewhere_counts_as_present() -> None:
    assert check.problems(RULES, {}, elsewhere={"table"}) == []
    assert check.problems(RULES, {}, present_only=True) == []
    assert [problem.code for problem in check.problems(RULES, {"columns": [{}]}, present_only=True)] == [
        "option.missing"
    ]


def test_no_message_shows_a_value_where_a_secret_stands() -> None:
    """LESSONS 15."""
    for value in ("Canary1", 31337, ["Canary1"], {"x": "Canary1"}):
        (found,) = problems({"password": value})
        assert "Canary1" not in found.message
        assert "31337" not in found.message
    assert "Canary1" not in only({"a/b": "Canary1"}).message


def test_a_former_name_beside_the_present_one_is_told() -> None:
    found = only({"query": "select 1", "sql": "select 2"})
    assert found.message == '"sql" is the former name of "query", which is given too'


CONSTRAINTS: dict[str, dict[str, Any]] = {
    "exactly": {"exactly_one_of": ["table", "query"]},
    "most": {"at_most_one_of": ["limit", "ratio"]},
    "all": {"all_or_none": ["limit", "ratio"]},
    "require": {"when": {"write_mode": "upsert"}, "require": ["primary_key"]},
    "forbid": {"when": {"header": False}, "forbid": ["columns"], "message": "no names, no columns"},
}


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("exactly", {}, 'box.writer needs one of "table" or "query"'),
        ("exactly", {"table": "t", "query": "select"}, '"table" and "query" exclude each other'),
        ("exactly", {"table": "t"}, None),
        ("exactly", {"table": None, "query": "select"}, "must be text, not empty"),
        ("most", {}, None),
        ("most", {"limit": 1, "ratio": 0.1}, '"limit" and "ratio" exclude each other'),
        ("all", {}, None),
        ("all", {"limit": 1}, '"limit" needs "ratio" as well'),
        ("all", {"limit": 1, "ratio": 0.1}, None),
        ("require", {"write_mode": "append"}, None),
        ("require", {"write_mode": "upsert"}, '"primary_key" is required when "write_mode" is "upsert"'),
        ("require", {"write_mode": "upsert", "primary_key": "id"}, None),
        ("forbid", {"header": False, "columns": []}, "box.writer: no names, no columns"),
        ("forbid", {"header": True, "columns": []}, None),
        ("forbid", {"columns": []}, None),
    ],
)
def test_constraints(kind: str, config: dict[str, Any], message: str | None) -> None:
    """LESSONS 13: `table:` passed validation, then the run failed: "'query' is required"."""
    schema = {**SCHEMA, "required": []}
    found = check.problems(Rules("box.writer", schema, (CONSTRAINTS[kind],)), config)
    assert len(found) == (message is not None)
    assert (message or "") in "".join(problem.message for problem in found)


def test_a_constraint_says_nothing_of_what_is_missing_where_that_is_not_known() -> None:
    rules = Rules("box.writer", SCHEMA, tuple(CONSTRAINTS.values()))
    assert check.problems(rules, {"write_mode": "upsert", "limit": 1}, present_only=True) == []
    found = check.problems(rules, {"query": "select"}, elsewhere={"table"})
    assert [problem.code for problem in found] == ["option.constraint"]


def test_a_reference_out_of_the_schema_is_never_fetched() -> None:
    import referencing.exceptions

    schema = {"type": "object", "properties": {"x": {"$ref": "https://example.invalid/schema.json"}}}
    with pytest.raises(referencing.exceptions.Unresolvable):
        check.problems(Rules("box.writer", schema), {"x": 1})
