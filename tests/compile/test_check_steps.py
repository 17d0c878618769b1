"""One step against its component and its connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from osiris.compile.check import Checked

from .conftest import World

Errors = Callable[[Checked], list[tuple[str, int | None, int | None]]]
READ = "  - {id: r, component: shop.extractor, mode: read, config: {table: t}}\n"
WRITE = "  - {id: w, component: shop.writer, mode: write, config: {table: t}}\n"


def read(config: str) -> str:
    """A reader whose config starts on line 8."""
    return f"  - id: r\n    component: shop.extractor\n    mode: read\n    config:\n{config}{WRITE}"


def write(config: str, component: str = "shop.writer") -> str:
    """A writer behind a reader; its config starts on line 9."""
    return f"{READ}  - id: w\n    component: {component}\n    mode: write\n    config:\n{config}"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("      tabel: t\n", [("option.constraint", 7, 5), ("option.unknown", 8, 7)]),
        ("      table: 5\n", [("option.type", 8, 14)]),
        ("      table: t\n      limit: 0\n", [("option.range", 9, 14)]),
        ("      table: t\n      limit: many\n", [("option.type", 9, 14)]),
        ("      table: t\n      columns: [a, 1]\n", [("option.type", 9, 20)]),
        ("      {}\n", [("option.constraint", 7, 5)]),
        ("      table: t\n      query: q\n", [("option.constraint", 9, 7)]),
        ("      table: t\n      1x: q\n", [("option.unknown", 9, 7)]),
    ],
)
def test_an_option_that_does_not_fit_is_told_where_it_stands(
    world: World, errors_of: Errors, config: str, expected: list[tuple[str, int, int]]
) -> None:
    assert errors_of(world.steps(read(config))) == expected


def test_what_the_run_requires_is_required_by_the_check(world: World, errors_of: Errors) -> None:
    """LESSONS 13: `table:` passed validation, then the run failed for want of `query`. Here a table is enough, and what
    is required is told before anything runs."""
    assert world.steps(read("      table: t\n")).valid
    assert errors_of(world.steps(read("      limit: 1\n"))) == [("option.constraint", 7, 5)]
    upsert = write("      table: t\n      write_mode: upsert\n")
    assert errors_of(world.steps(upsert)) == [("option.constraint", 10, 7)]


def test_a_misspelt_required_option_is_one_error(world: World, errors_of: Errors) -> None:
    assert errors_of(world.steps(write("      tabel: t\n"))) == [("option.unknown", 9, 7)]
    both = write("      tabel: t\n      tabl: t\n      x: 1\n")
    assert [code for code, _, _ in errors_of(world.steps(both))] == ["option.unknown"] * 3


def test_fields_of_the_connection_count_as_given(world: World, errors_of: Errors) -> None:
    """`host` is required, and stands in the connection."""
    assert world.steps(read("      table: t\n      connection: '@shop.test'\n")).valid
    (world.root / "osiris_connections.yaml").write_text("version: 1\nconnections: {}\n")
    from osiris.connections import Connections

    world.connections = Connections.load(world.root, world.catalog, {})
    assert errors_of(world.steps(read("      table: t\n"))) == [("option.missing", 7, 5), ("option.missing", 9, 50)]


@pytest.mark.parametrize(
    ("mode", "component", "hint"),
    [
        ("write", "shop.extractor", "write mode: read"),
        ("transform", "shop.extractor", "write mode: read"),
        ("extract", "shop.extractor", "write mode: read"),
        ("read", "shop.writer", "write mode: write"),
        ("read", "box.processor", "write mode: transform"),
        ("writ", "shop.writer", "write mode: write"),
    ],
)
def test_a_mode_that_the_component_does_not_have_is_refused(world: World, mode: str, component: str, hint: str) -> None:
    """LESSONS 12: wrong modes compiled and ran."""
    checked = world.steps(f"  - id: a\n    component: {component}\n    mode: {mode}\n")
    found = [(error.line, error.column, error.hint) for error in checked.errors if error.code == "step.mode"]
    assert found == [(6, 11, hint)]


def test_a_mode_that_is_left_out_follows_from_the_component(world: World) -> None:
    checked = world.steps(read("      table: t\n").replace("    mode: read\n", ""))
    assert [step.mode for step in checked.manifest().steps] == ["read", "write"]


def test_a_reference_without_the_at_sign_is_refused(world: World) -> None:
    """LESSONS 7: `mysql.prod` silently used the default connection."""
    checked = world.steps(read("      connection: shop.test\n      table: t\n"))
    assert [(error.code, error.line, error.column, error.hint) for error in checked.errors] == [
        ("connection.reference", 8, 19, 'did you mean "@shop.test"?')
    ]


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ('"@shop.tset"', "connection.unknown"),
        ('"@box.main"', "connection.unknown"),
        ('"@shop"', "connection.reference"),
        ('""', "connection.reference"),
        ("[a]", "connection.reference"),
    ],
)
def test_a_reference_to_nothing_is_refused(world: World, errors_of: Errors, reference: str, code: str) -> None:
    checked = world.steps(read(f"      connection: {reference}\n      table: t\n"))
    assert errors_of(checked) == [(code, 8, 19)]


def test_a_forbidden_override_is_refused_and_one_to_warn_of_is_kept(world: World, errors_of: Errors) -> None:
    """LESSONS 6: forbidden overrides were not refused, allowed ones silently ignored."""
    checked = world.steps(read("      table: t\n      host: localhost\n      database: other\n      schema: s\n"))
    assert errors_of(checked) == [("override.forbidden", 9, 7)]
    assert [(w.code, w.line, w.column) for w in checked.warnings] == [("override.warning", 10, 7)]
    step = world.steps(read("      table: t\n      database: other\n      schema: s\n")).manifest().steps[0]
    assert step.overrides == {"database": "other", "schema": "s"}
    assert "database" not in step.options


def test_a_secret_in_a_pipeline_is_refused_and_not_shown(world: World, errors_of: Errors) -> None:
    checked = world.steps(write("      path: p\n      token: hunter22\n", "loose.writer"))
    assert errors_of(checked) == [("secret.inline", 10, 14)]
    assert "hunter22" not in str(checked.to_json())


def test_a_forbidden_secret_is_told_once(world: World, errors_of: Errors) -> None:
    checked = world.steps(read("      table: t\n      password: hunter22\n"))
    assert errors_of(checked) == [("override.forbidden", 9, 7)]
    assert "hunter22" not in str(checked.to_json())


def test_a_former_name_is_a_warning_and_its_value_is_checked_where_it_stands(world: World, errors_of: Errors) -> None:
    checked = world.steps(read("      table: t\n      chunk: 5\n"))
    assert [(w.code, w.line, w.column) for w in checked.warnings] == [("option.deprecated", 9, 7)]
    assert checked.manifest().steps[0].options["batch_size"] == 5
    assert errors_of(world.steps(read("      table: t\n      chunk: x\n"))) == [("option.type", 9, 14)]


def test_a_writer_without_transactions_is_labelled(world: World) -> None:
    checked = world.steps(write("      path: p\n", "loose.writer"))
    assert checked.valid
    assert [(w.code, w.line, w.column) for w in checked.warnings] == [("writer.at_least_once", 6, 16)]


def test_a_transform_takes_no_connection_and_a_reader_no_columns(world: World, errors_of: Errors) -> None:
    text = f"""{READ}  - id: t
    component: box.processor
    mode: transform
    columns: [{{from: a}}]
    config: {{query: q, connection: "@shop.main"}}
{WRITE}"""
    assert errors_of(world.steps(text)) == [("columns.mode", 8, 5), ("connection.unused", 9, 24)]


def test_two_writers_of_one_flow_with_one_target_are_refused(world: World, errors_of: Errors) -> None:
    same = WRITE.replace("id: w", "id: w2, needs: [r]")
    assert errors_of(world.steps(READ + WRITE + same)) == [("step.same_target", 6, 5)]
    assert world.steps(READ + WRITE + same.replace("table: t", "table: t2")).valid


def test_a_broken_spec_is_told_once_however_many_steps_use_it(world: World) -> None:
    (world.root / "specs" / "box.processor" / "spec.yaml").write_text("name: box.processor\n")
    step = "  - {id: %s, component: box.processor, mode: transform, config: {query: q}}\n"
    errors = world.steps(READ + step % "a" + step % "b" + WRITE).errors
    assert len(errors) == 1
    assert str(errors[0].file).endswith("spec.yaml")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("x", ("columns.shape", 9, 14)),
        ("[]", ("columns.shape", 9, 14)),
        ("[a]", ("columns.shape", 9, 15)),
        ("[{to: a}]", ("columns.shape", 9, 15)),
        ("[{from: a, as: b}]", ("columns.unknown_key", 9, 25)),
        ("[{from: a, type: strin}]", ("type.unknown", 9, 31)),
        ("[{from: a}, {from: b, to: a}]", ("columns.duplicate", 9, 26)),
    ],
)
def test_columns_that_cannot_be_cast_to_are_refused(
    world: World, errors_of: Errors, columns: str, expected: tuple[str, int, int]
) -> None:
    text = write("      table: t\n").replace("config:\n      table: t", f"config: {{table: t}}\n    columns: {columns}")
    assert f"    columns: {columns}\n" in text
    assert errors_of(world.steps(text)) == [expected]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("timeout: 5 parsecs", ("step.timeout", 8, 14)),
        ("timeout: 0", ("step.timeout", 8, 14)),
        ("timeout: [1]", ("step.timeout", 8, 14)),
        ("retry: many", ("step.retry", 8, 12)),
        ("retry: 0", ("step.retry", 8, 12)),
        ("retry: true", ("step.retry", 8, 12)),
        ("retry: {attempts: 2.5}", ("step.retry", 8, 23)),
        ("retry: {atempts: 2}", ("retry.unknown_key", 8, 13)),
        ("retry: {backoff: -1}", ("step.retry", 8, 22)),
        ("needs: {a: 1}", ("step.needs", 8, 12)),
        ("needs: [1]", ("step.needs", 8, 12)),
        ("inputs: [r]", ("step.inputs", 8, 13)),
        ("inputs: {df: 1}", ("step.inputs", 8, 13)),
        ("config: [1]", ("step.shape", 8, 13)),
    ],
)
def test_a_field_of_the_wrong_form_is_told_where_it_stands(
    world: World, errors_of: Errors, field: str, expected: tuple[str, int, int]
) -> None:
    text = f"{READ}  - id: w\n    component: shop.writer\n    mode: write\n    {field}\n"
    assert expected in errors_of(world.steps(text))


@pytest.mark.parametrize(
    ("written", "seconds"), [("30", 30.0), ("1.5", 1.5), ("30s", 30.0), ("5m", 300.0), ("500ms", 0.5), ("2h", 7200.0)]
)
def test_a_duration_is_seconds(world: World, written: str, seconds: float) -> None:
    text = READ + WRITE.replace("id: w", f"id: w, timeout: {written}, retry: {{attempts: 3, backoff: {written}}}")
    step = world.steps(text).manifest().steps[1]
    assert (step.timeout_s, step.retry.attempts, step.retry.backoff_s) == (seconds, 3, seconds)
