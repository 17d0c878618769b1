"""The checker as a whole: everything at once, in the order of the file, in the published shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.compile.check import Checked, check
from osiris.errors import ConfigError

from .conftest import HEAD, World

Errors = Callable[[Checked], list[tuple[str, int | None, int | None]]]

GOOD = f"""{HEAD}description: from a to b
metadata: {{owner: me}}
steps:
  - id: read
    component: shop.extractor
    mode: read
    config: {{table: orders}}
  - id: turn
    component: box.processor
    mode: transform
    config: {{query: select * from input_df}}
  - id: write
    component: shop.writer
    mode: write
    config: {{connection: "@shop.test", table: orders, write_mode: upsert, primary_key: [id]}}
"""


def test_a_good_pipeline_has_no_errors_and_a_manifest(world: World) -> None:
    checked = world.check(GOOD)
    assert checked.to_json() == {"valid": True, "errors": [], "warnings": []}
    steps = checked.manifest().steps
    assert [(step.id, step.inputs, step.connection) for step in steps] == [
        ("read", (), "@shop.main"),
        ("turn", ("read",), None),
        ("write", ("turn",), "@shop.test"),
    ]
    assert steps[0].options == {"batch_size": 1000, "table": "orders"}


def test_three_mistakes_are_told_at_once_each_with_its_place(world: World) -> None:
    checked = world.steps("""\
  - id: read
    component: shop.extracter
    mode: read
    config: {table: orders}
  - id: write
    component: shop.writer
    mode: write
    needs: [raed]
    config:
      table: orders
      write_mod: append
""")
    path = str(world.root / "p.yaml")
    assert checked.to_json()["errors"] == [
        {
            "code": "component.unknown",
            "message": 'there is no component "shop.extracter"',
            "hint": 'did you mean "shop.extractor"?',
            "file": path,
            "line": 5,
            "column": 16,
        },
        {
            "code": "step.unknown",
            "message": 'there is no step "raed"',
            "hint": 'did you mean "read"?',
            "file": path,
            "line": 11,
            "column": 13,
        },
        {
            "code": "option.unknown",
            "message": 'unknown option "write_mod" of shop.writer',
            "hint": 'did you mean "write_mode"?',
            "file": path,
            "line": 14,
            "column": 7,
        },
    ]
    with pytest.raises(ConfigError) as caught:
        checked.manifest()
    assert caught.value.exit_code == 2
    assert caught.value.message.count("p.yaml:") == 3
    assert len(caught.value.details["errors"]) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("pipeline.shape", 1, 1)),
        ("- a", ("pipeline.shape", 1, 1)),
        ("a:\n\tb: 1", ("yaml.tab", 2, 1)),
        ("a: 1\na: 2", ("yaml.duplicate_key", 2, 1)),
    ],
)
def test_a_file_that_is_no_pipeline_is_one_error(
    world: World, errors_of: Errors, text: str, expected: tuple[str, int, int]
) -> None:
    assert errors_of(world.check(text)) == [expected]


def test_a_missing_file_is_an_error_of_the_check(world: World) -> None:
    path = world.root / "none.yaml"
    checked = check(
        path, catalog=world.catalog, connections=world.connections, params={}, profile=None, environ={}
    )  # fmt: skip
    assert [(issue.code, issue.file) for issue in checked.errors] == [("file.missing", str(path))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('oml_version: "0.2.0"', ("pipeline.version", 1, 14)),
        ("oml_version: 0.1", ("pipeline.version", 1, 14)),
        ("x: 1", ("pipeline.version", 1, 1)),
    ],
)
def test_another_version_of_the_language_is_refused(
    world: World, errors_of: Errors, line: str, expected: tuple[str, int, int]
) -> None:
    assert expected in errors_of(world.check(GOOD.replace('oml_version: "0.1.0"', line)))


@pytest.mark.parametrize("name", ["a/b", "..", "", " a", "a.", "x" * 101, "a:b", "[1]", "5"])
def test_a_name_that_no_folder_can_have_is_refused(world: World, errors_of: Errors, name: str) -> None:
    shown = name if name in ("[1]", "5") else f'"{name}"'
    assert errors_of(world.check(GOOD.replace("name: p", f"name: {shown}"))) == [("pipeline.name", 2, 7)]


def test_an_unknown_key_at_the_top_and_in_a_step_is_told_with_the_nearest_one(world: World) -> None:
    text = GOOD.replace("description:", "descripton:").replace("    mode: read", "    mode: read\n    timout: 5s")
    errors = world.check(text).errors
    assert [(error.code, error.line, error.column, error.hint) for error in errors] == [
        ("pipeline.unknown_key", 3, 1, 'did you mean "description"?'),
        ("step.unknown_key", 9, 5, 'did you mean "timeout"?'),
    ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("steps: []", ("pipeline.steps", 3, 1)),
        ("steps: {a: 1}", ("pipeline.steps", 3, 1)),
        ("", ("pipeline.steps", 1, 1)),
        ("steps: [x]", ("step.shape", 3, 9)),
    ],
)
def test_steps_must_be_a_list_of_mappings(
    world: World, errors_of: Errors, steps: str, expected: tuple[str, int, int]
) -> None:
    assert errors_of(world.check(f"{HEAD}{steps}\n")) == [expected]


def test_a_step_without_its_keys_names_each(world: World) -> None:
    errors = world.steps("  - config: {a: 1}\n").errors
    assert [error.message for error in errors if error.code == "step.missing_key"] == [
        'the step has no "id"',
        'the step has no "component"',
    ]


@pytest.mark.slow
def test_ten_thousand_steps_are_checked_without_recursion(world: World) -> None:
    """A 10,000-step file, each step waiting for the one before: no stack, no quadratic graph."""
    lines = ["  - {id: r0, component: shop.extractor, mode: read, config: {table: t}}"]
    lines += [
        f"  - {{id: p{n}, component: box.processor, mode: transform, config: {{query: q}}}}" for n in range(1, 9999)
    ]
    lines.append("  - {id: w, component: shop.writer, mode: write, config: {table: t}}")
    checked = world.steps("\n".join(lines))
    assert checked.valid
    assert len(checked.manifest().steps) == 10_000


def test_a_circle_of_thousands_of_steps_is_one_error(world: World, errors_of: Errors) -> None:
    step = "  - {id: p%d, component: box.processor, mode: transform, needs: [p%d], config: {query: q}}"
    lines = [step % (n, (n + 1) % 3000) for n in range(3000)]
    assert [error[0] for error in errors_of(world.steps("\n".join(lines)))] == ["step.cycle"]


KEYS = st.sampled_from(
    ["id", "component", "mode", "config", "needs", "inputs", "retry", "timeout", "for_each", "columns", "x"]
)
ATOMS = st.sampled_from(
    ["a", "b", "read", "write", "transform", "shop.extractor", "shop.writer", "box.processor", "${item}", "${params.p}",
     "${params.s}", "$${", "${", "@shop.main", "5s", 0, 1, -1, 1.5, True, None, ""]
)  # fmt: skip
PARTS = st.recursive(
    ATOMS,
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.sampled_from(["table", "query", "connection", "password", "df", "from", "to", "a.b"]), part
        )
    ),
    max_leaves=6,
)
STEPS = st.lists(st.dictionaries(KEYS, PARTS, max_size=8), max_size=4)
PARAMS = st.dictionaries(st.sampled_from(["p", "s", "P", "1"]), PARTS, max_size=3)


@given(steps=STEPS, params=PARAMS, profiles=PARTS, given_params=st.dictionaries(st.sampled_from("ps"), st.text()))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_pipeline_makes_the_checker_raise(
    world: World, steps: list[Any], params: Any, profiles: Any, given_params: dict[str, str]
) -> None:
    from osiris.documents import dumps

    params = {name: body if isinstance(body, dict) else {"default": body} for name, body in params.items()}
    data = {"oml_version": "0.1.0", "name": "p", "params": params, "profiles": profiles, "steps": steps}
    checked = world.check(dumps(data), given_params)
    assert checked.valid == (checked.pipeline is not None)
    assert all(error.line is not None and error.code and error.message for error in checked.errors)


def test_the_path_in_errors_is_the_one_that_was_given(world: World) -> None:
    (world.root / "p.yaml").write_text("- a")
    given_path = str(Path(world.root) / "p.yaml")
    assert world.check("- a").errors[0].file == given_path
