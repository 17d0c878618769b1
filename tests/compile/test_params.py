"""Params: declarations, where values come from, references to them, and secrets that stay out of the manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from osiris.compile.check import Checked
from osiris.compile.params import resolve_secret_params, secret_values
from osiris.errors import ConfigError
from osiris.secrets import redactor

from .conftest import HEAD, World

Errors = Callable[[Checked], list[tuple[str, int | None, int | None]]]


def pipeline(params: str, config: str = "path: p", more: str = "") -> str:
    """A pipeline whose params stand on line 3 and whose writer's config stands on the last."""
    return f"""{HEAD}params: {params}
{more}steps:
  - {{id: r, component: shop.extractor, mode: read, config: {{table: t}}}}
  - {{id: w, component: loose.writer, mode: write, config: {{{config}}}}}
"""


def option(world: World, text: str, name: str = "path", **given: Any) -> Any:
    return world.manifest(text, **given).steps[-1].options[name]


def test_a_flag_beats_the_environment_beats_the_profile_beats_the_default(world: World) -> None:
    text = pipeline("{x: {default: d}}", 'path: "${params.x}"', "profiles: {dev: {params: {x: p}}, empty: }\n")
    assert option(world, text) == "d"
    assert option(world, text, profile="empty") == "d"
    assert option(world, text, profile="dev") == "p"
    world.environ["OSIRIS_PARAM_X"] = "e"
    assert option(world, text, profile="dev") == "e"
    assert option(world, text, profile="dev", params={"x": "f"}) == "f"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "00123", "00123"),
        ("string", "", ""),
        ("int", "-12", -12),
        ("number", "2", 2),
        ("number", "1.5e3", 1500.0),
        ("bool", "TRUE", True),
        ("list", "[a, 1]", ["a", 1]),
        ("map", '{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("date", "2024-02-29", "2024-02-29"),
    ],
)
def test_a_text_is_parsed_by_the_declared_type_and_keeps_it(world: World, kind: str, text: str, value: Any) -> None:
    source = pipeline(f"{{x: {{type: {kind}}}}}", "path: p").replace("name: p", "name: p\nmetadata: {}")
    checked = world.check(source, {"x": text})
    assert checked.pipeline is not None
    assert checked.pipeline.params == {"x": value}
    assert type(checked.pipeline.params["x"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1.5"), ("int", ""), ("int", "1_000"), ("int", "9" * 5000), ("number", "nan"), ("number", "1_0"),
        ("number", "inf"), ("bool", "yes"), ("list", "a, b"), ("list", "[a"), ("list", "{a: 1}"), ("map", "[a]"),
        ("date", "2023-02-29"), ("date", "20240101"), ("date", "1/2/2024"), ("string", "\udcff"),
    ],
)  # fmt: skip
def test_a_text_that_is_not_of_the_type_is_refused(world: World, errors_of: Errors, kind: str, text: str) -> None:
    checked = world.check(pipeline(f"{{x: {{type: {kind}}}}}"), {"x": text})
    assert errors_of(checked) == [("param.value", 3, 10)]
    assert checked.errors[0].message.startswith("--param x: must be")


def test_a_whole_text_takes_the_value_and_a_part_takes_its_text(world: World) -> None:
    params = "{n: {type: int, default: 3}, b: {type: bool, default: true}, m: {type: map, default: {k: v}}}"
    config = 'path: "a${params.n}-${params.b}-$${x}", retries: "${params.n}", headers: "${params.m}"'
    step = world.manifest(pipeline(params, config)).steps[-1]
    assert step.options == {"path": "a3-true-${x}", "retries": 3, "headers": {"k": "v"}}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("[a]", ("param.shape", 3, 9)),
        ("{1x: {default: 1}}", ("param.name", 3, 10)),
        ("{x: {default: 1, defalt: 2}}", ("param.unknown_key", 3, 26)),
        ("{x: {type: intt, default: 1}}", ("param.type", 3, 20)),
        ("{x: {type: int, default: a}}", ("param.value", 3, 34)),
        ("{x: {type: int, default: true}}", ("param.value", 3, 34)),
        ("{x: {type: string, default: 1.10}}", ("param.value", 3, 37)),
        ("{x: {default: c, enum: [a, b]}}", ("param.value", 3, 23)),
        ("{x: {default: a, enum: a}}", ("param.shape", 3, 32)),
        ("{x: {type: int, default: 1, enum: [1, b]}}", ("param.value", 3, 47)),
        ("{a-b: {default: 1}, a_b: {default: 1}}", ("param.name", 3, 29)),
        ("{x: {type: int}}", ("param.missing", 3, 10)),
        ("{x: {secret: 1, default: a}}", ("param.shape", 3, 22)),
        ("{x: {secret: true, default: hunter22}}", ("param.inline_secret", 3, 37)),
    ],
)
def test_a_declaration_that_is_wrong_is_told_where_it_stands(
    world: World, errors_of: Errors, params: str, expected: tuple[str, int, int]
) -> None:
    checked = world.check(pipeline(params))
    assert expected in errors_of(checked)
    assert "hunter22" not in str(checked.to_json())


def test_a_plain_value_is_a_default_and_former_type_names_are_understood(world: World) -> None:
    """Pipelines of earlier versions: `x: 5`, and `type: integer`."""
    checked = world.check(pipeline("{x: 5, l: [a], n: {type: integer, default: 1}}", 'path: p, retries: "${params.x}"'))
    assert checked.manifest().steps[-1].options["retries"] == 5
    assert ("param.deprecated", 3, 34) in [(w.code, w.line, w.column) for w in checked.warnings]


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ("[a]", ("profile.shape", 4, 11)),
        ("{dev: 1}", ("profile.shape", 4, 17)),
        ("{dev: {x: 1}}", ("profile.unknown_key", 4, 18)),
        ("{dev: {params: {z: 1}}}", ("param.unknown", 4, 27)),
        ("{dev: {params: {x: 1}}}", ("param.value", 4, 30)),
        ("{dev: {params: {s: 1}}}", ("param.inline_secret", 4, 27)),
        ("{prod: {}}", ("profile.unknown", 4, 1)),
    ],
)
def test_every_profile_is_checked(
    world: World, errors_of: Errors, profiles: str, expected: tuple[str, int, int]
) -> None:
    text = pipeline("{x: {type: string, default: a}, s: {secret: true}}", more=f"profiles: {profiles}\n")
    assert expected in errors_of(world.check(text, profile="dev"))


def test_a_flag_for_no_param_is_refused(world: World) -> None:
    checked = world.check(pipeline("{limit: {default: 1}}"), {"limt": "1"})
    assert [(e.code, e.hint) for e in checked.errors] == [("param.unknown", 'did you mean "limit"?')]


def test_a_value_outside_of_the_enum_is_refused(world: World) -> None:
    checked = world.check(pipeline("{x: {type: string, enum: [eu, us], default: eu}}"), {"x": "ue"})
    assert [e.code for e in checked.errors] == ["param.value"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("${params.y}", "param.unknown"),
        ("${HOME}", "reference.unknown"),
        ("${item}", "reference.unknown"),
        ("a ${params.x", "reference.open"),
        ("a ${params.m} b", "reference.not_text"),
        ("$${params.s}", "reference.spells_secret"),
    ],
)
def test_a_reference_to_nothing_is_refused(world: World, errors_of: Errors, written: str, code: str) -> None:
    params = "{x: {default: a}, m: {default: {a: 1}}, s: {secret: true}}"
    assert errors_of(world.check(pipeline(params, f'path: "{written}"'))) == [(code, 6, 66)]


def test_a_reference_in_a_key_is_refused(world: World, errors_of: Errors) -> None:
    text = pipeline("{x: {default: a}}", 'path: p, headers: {"${params.x}": b}')
    assert errors_of(world.check(text)) == [("reference.key", 6, 79)]


SECRET = pipeline("{s: {type: string, secret: true}}", 'path: "p?${params.s}", token: "${params.s}"')


def test_a_secret_param_is_in_no_manifest_and_no_fingerprint(world: World) -> None:
    one = world.manifest(SECRET, {"s": "hunter22"})
    other = world.manifest(SECRET)
    assert one == other
    assert one.secret_params == {"s": "string"}
    assert one.steps[-1].options == {"path": "p?${params.s}", "token": "${params.s}"}
    assert "hunter22" not in str(one.to_json())


def test_a_secret_param_is_filled_in_and_masked_at_run(world: World) -> None:
    manifest = world.manifest(SECRET)
    values = secret_values(manifest.secret_params, {"s": "hunter-of-test"}, {"OSIRIS_PARAM_S": "other"})
    options = resolve_secret_params(manifest.steps[-1].options, values)
    assert options == {"path": "p?hunter-of-test", "token": "hunter-of-test"}
    assert redactor.text("at hunter-of-test") == "at ***"


def test_a_typed_secret_keeps_its_type_and_one_secret_is_not_read_inside_another() -> None:
    values = secret_values({"pin": "int", "s": "string"}, {"pin": "987654", "s": "${params.pin}"}, {})
    options = {"a": ["${params.pin}"], "b": {"c": "${params.s}${params.pin}"}}
    assert resolve_secret_params(options, values) == {"a": [987654], "b": {"c": "${params.pin}987654"}}
    assert redactor.text("pin 987654") == "pin ***"


def test_a_secret_that_is_missing_or_of_the_wrong_type_is_told_without_its_text() -> None:
    with pytest.raises(ConfigError, match="no value") as caught:
        secret_values({"s": "string"}, {}, {})
    assert "OSIRIS_PARAM_S" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        secret_values({"pin": "int"}, {"pin": "hunter23"}, {})
    assert "hunter23" not in str(caught.value)


@pytest.mark.parametrize("field", ['timeout: "${params.s}"', 'needs: ["${params.s}"]', 'for_each: ["${params.s}"]'])
def test_a_secret_param_is_for_config_alone(world: World, field: str) -> None:
    text = pipeline("{s: {secret: true}}").replace("id: w,", f"id: w, {field},")
    assert "param.secret_here" in [error.code for error in world.check(text).errors]


def test_the_value_of_a_param_cannot_name_a_secret(world: World, errors_of: Errors) -> None:
    text = pipeline("{s: {secret: true}, x: {default: a}}", 'path: "${params.x}"')
    assert errors_of(world.check(text, {"x": "see ${params.s}"})) == [("param.spells_secret", 3, 29)]


def test_a_plain_param_in_the_place_of_a_secret_is_refused(world: World, errors_of: Errors) -> None:
    text = pipeline("{x: {default: hunter22}}", 'path: p, token: "${params.x}"')
    assert errors_of(world.check(text)) == [("secret.inline", 6, 76)]


def test_a_secret_is_not_held_against_the_type_of_its_option(world: World) -> None:
    text = pipeline("{s: {type: int, secret: true}}", 'path: p, retries: "${params.s}"')
    assert world.check(text).valid
