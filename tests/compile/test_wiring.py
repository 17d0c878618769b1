"""Who takes whose rows, who waits for whom, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from osiris.compile.check import Checked
from osiris.compile.plan import flows

from .conftest import World

Errors = Callable[[Checked], list[tuple[str, int | None, int | None]]]


def step(step_id: str, kind: str, fields: str = "") -> str:
    """One step on one line: `r`eader, `t`ransform or `w`riter, with a target of its own."""
    component, mode, config = {
        "r": ("shop.extractor", "read", f"table: {step_id}"),
        "t": ("box.processor", "transform", "query: q"),
        "w": ("shop.writer", "write", f"table: {step_id}"),
    }[kind]
    extra = f", {fields}" if fields else ""
    return f"  - {{id: {step_id}{extra}, component: {component}, mode: {mode}, config: {{{config}}}}}\n"


def edges(checked: Checked) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {one.id: (one.inputs, one.after) for one in checked.manifest().steps}


def test_without_needs_a_step_takes_the_rows_of_the_one_before(world: World) -> None:
    checked = world.steps(step("a", "r") + step("b", "t") + step("c", "w"))
    assert edges(checked) == {"a": ((), ()), "b": (("a",), ()), "c": (("b",), ())}


def test_a_reader_behind_a_writer_waits_for_it_and_behind_another_reader_for_nothing(world: World) -> None:
    text = (
        step("a", "r") + step("b", "w") + step("c", "r") + step("d", "r") + step("e", "t", "needs: [c, d]")
        + step("f", "w")
    )  # fmt: skip
    checked = world.steps(text)
    assert edges(checked)["c"] == ((), ("b",))
    assert edges(checked)["d"] == ((), ())
    assert checked.warnings == ()
    assert flows(checked.manifest().steps) == [("a", "b"), ("c", "d", "e", "f")]


def test_an_empty_needs_makes_a_root(world: World) -> None:
    checked = world.steps(step("a", "r") + step("b", "w") + step("c", "r", "needs: []") + step("d", "w"))
    assert edges(checked)["c"] == ((), ())


def test_a_reader_that_is_told_to_wait_for_a_reader_does_not_and_says_so(world: World) -> None:
    checked = world.steps(
        step("a", "r") + step("b", "r", "needs: [a]") + step("c", "t", "needs: [a, b]") + step("d", "w")
    )
    assert edges(checked)["b"] == ((), ())
    assert [(w.code, w.line, w.column) for w in checked.warnings] == [("step.need_ignored", 5, 21)]


def test_inputs_name_the_rows_and_needs_only_the_order(world: World) -> None:
    text = (
        step("a", "r") + step("b", "w") + step("c", "r", "needs: []") + step("d", "r", "needs: []")
        + step("e", "t", 'inputs: {df: "${c.df}", other: d}, needs: [b, c]') + step("f", "w")
    )  # fmt: skip
    checked = world.steps(text)
    assert edges(checked)["e"] == (("c", "d"), ("b",))
    assert checked.warnings == ()


def test_a_need_beside_inputs_whose_rows_are_not_taken_is_a_warning(world: World) -> None:
    text = (
        step("a", "r")
        + step("b", "r")
        + step("c", "w", 'inputs: {df: "${a.df}"}, needs: [a, b]')
        + step("d", "w", "needs: [b]")
    )
    checked = world.steps(text)
    assert edges(checked)["c"] == (("a",), ())
    assert [w.code for w in checked.warnings] == ["step.need_ignored"]


def test_a_writer_with_two_inputs_is_refused(world: World, errors_of: Errors) -> None:
    """LESSONS 10: a writer with two inputs wrote only the first."""
    text = step("a", "r") + step("b", "r") + step("c", "w", "needs: [a, b]")
    assert errors_of(world.steps(text)) == [("step.many_inputs", 6, 20)]
    text = step("a", "r") + step("b", "r") + step("c", "w", 'inputs: {x: "${a.df}", y: "${b.df}"}')
    assert errors_of(world.steps(text)) == [("step.many_inputs", 6, 21)]


def test_a_writer_or_transform_without_rows_is_refused(world: World, errors_of: Errors) -> None:
    assert errors_of(world.steps(step("a", "w"))) == [("step.no_input", 4, 5)]
    text = step("a", "r") + step("b", "w") + step("c", "w")
    assert errors_of(world.steps(text)) == [("step.no_input", 6, 5)]
    text = step("a", "r") + step("b", "w") + step("c", "t") + step("d", "w")
    assert errors_of(world.steps(text)) == [("step.no_input", 6, 5)]


def test_a_transform_that_stands_first_makes_its_rows_itself(world: World) -> None:
    checked = world.steps(step("a", "t") + step("b", "w") + step("c", "t", "needs: []") + step("d", "w"))
    assert checked.valid
    assert [edges(checked)[name] for name in "abcd"] == [((), ()), (("a",), ()), ((), ()), (("c",), ())]


def test_rows_that_nobody_takes_are_refused(world: World, errors_of: Errors) -> None:
    assert errors_of(world.steps(step("a", "r"))) == [("step.unused", 4, 5)]
    text = step("a", "r") + step("b", "w") + step("c", "t", "needs: [a]")
    assert errors_of(world.steps(text)) == [("step.unused", 6, 5)]


def test_inputs_of_a_reader_and_from_a_writer_are_refused(world: World, errors_of: Errors) -> None:
    text = step("a", "r") + step("b", "w") + step("c", "r", "inputs: {df: a}") + step("d", "w", "inputs: {df: b}")
    codes = [code for code, _, _ in errors_of(world.steps(text))]
    assert "step.reader_input" in codes
    assert "step.writer_input" in codes


@pytest.mark.parametrize(
    "needs", [{"a": "b", "b": "a"}, {"a": "a"}, {"a": "b", "b": "c", "c": "a"}, {"a": "b", "b": "c", "c": "b"}]
)
def test_a_circle_is_refused(world: World, errors_of: Errors, needs: dict[str, str]) -> None:
    """LESSONS 12: cycles compiled and ran."""
    text = step("r", "r") + "".join(step(name, "t", f"needs: [r, {need}]") for name, need in needs.items())
    text += step("w", "w", f"needs: [{min(needs)}]")
    found = errors_of(world.steps(text))
    assert [code for code, _, _ in found if code == "step.cycle"] == ["step.cycle"]


def test_a_circle_of_readers_is_refused_though_no_rows_would_flow(world: World, errors_of: Errors) -> None:
    text = (
        step("a", "r", "needs: [b]") + step("b", "r", "needs: [a]") + step("c", "t", "needs: [a, b]") + step("d", "w")
    )
    assert ("step.cycle", 4, 20) in errors_of(world.steps(text))


def test_each_of_two_circles_is_told(world: World) -> None:
    text = "".join(step(a, "t", f"needs: [{b}]") for a, b in (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")))
    cycles = [e.message for e in world.steps(text).errors if e.code == "step.cycle"]
    assert cycles == [
        "steps need each other in a circle: a needs b needs a",
        "steps need each other in a circle: c needs d needs c",
    ]


def test_a_reader_that_waits_for_a_writer_of_its_own_flow_is_refused(world: World) -> None:
    text = step("a", "r") + step("w", "w") + step("b", "r") + step("t", "t", "needs: [a, b]") + step("w2", "w")
    errors = world.steps(text).errors
    assert [(e.code, e.line, e.column) for e in errors] == [("flow.cycle", 6, 5)]
    assert errors[0].hint is not None
    assert "needs: []" in errors[0].hint


def test_flows_that_wait_for_each_other_are_refused(world: World, errors_of: Errors) -> None:
    text = (
        step("a", "r", "needs: [w2]") + step("w1", "w", "needs: [x]") + step("x", "t", "needs: [a]")
        + step("b", "r", "needs: [w1]") + step("w2", "w", "needs: [b]")
    )  # fmt: skip
    found = errors_of(world.steps(text))
    assert found == [("step.cycle", 4, 20)]
    one = step("a", "r", "needs: []") + step("w1", "w") + step("a2", "r", "needs: [w2]")
    one += step("t", "t", "needs: [a, a2]") + step("w3", "w")
    other = step("b", "r", "needs: []") + step("w2", "w") + step("b2", "r", "needs: [w1]")
    other += step("u", "t", "needs: [b, b2]") + step("w4", "w")
    text = one + other
    assert errors_of(world.steps(text)) == [("flow.cycle", 6, 21), ("flow.cycle", 11, 21)]


def test_one_flow_after_another_by_needs(world: World) -> None:
    text = (
        step("b", "r", "needs: [w1]") + step("w2", "w") + step("a", "r", "needs: []") + step("w1", "w")
        + step("c", "r", "needs: [w1, w2]") + step("w3", "w")
    )  # fmt: skip
    manifest = world.steps(text).manifest()
    assert flows(manifest.steps) == [("a", "w1"), ("b", "w2"), ("c", "w3")]
    places = {one.id: place for place, one in enumerate(manifest.steps)}
    assert places["w1"] < places["b"]


def test_a_fan_out_and_a_join_are_one_flow(world: World) -> None:
    text = (
        step("a", "r") + step("l", "t", "needs: [a]") + step("r", "t", "needs: [a]") + step("j", "t", "needs: [l, r]")
        + step("w", "w", "needs: [j]") + step("v", "w", "needs: [a]")
    )  # fmt: skip
    assert flows(world.steps(text).manifest().steps) == [("a", "l", "r", "j", "w", "v")]


@pytest.mark.parametrize("other", ["a", "A"])
def test_two_steps_of_one_id_are_refused(world: World, errors_of: Errors, other: str) -> None:
    """LESSONS 12: duplicate ids compiled and ran."""
    text = step("a", "r") + step(other, "w", "needs: [a]")
    assert ("step.duplicate_id", 5, 10) in errors_of(world.steps(text))


def test_ids_that_would_be_one_table_are_refused(world: World) -> None:
    checked = world.steps(step("my-step", "r") + step("my_step", "w"))
    assert [(e.code, e.line, e.column) for e in checked.errors] == [("step.duplicate_id", 5, 10)]
    assert "my_step" in checked.errors[0].message


@pytest.mark.parametrize("bad", ["a b", "a.b", "ä", "a/b", "x" * 101, "'${item}'"])
def test_an_id_that_cannot_name_a_table_or_file_is_refused(world: World, bad: str) -> None:
    text = step("a", "w").replace("id: a", f"id: {bad}", 1)
    assert any(e.line == 4 and e.column == 10 for e in world.steps(text).errors)


def test_an_unknown_need_is_the_only_thing_said_of_the_edges(world: World, errors_of: Errors) -> None:
    """One mistyped name must not bring a train of errors about rows that nobody takes."""
    text = step("reader", "r") + step("w", "w", "needs: [raeder]")
    assert errors_of(world.steps(text)) == [("step.unknown", 5, 21)]


def test_two_inputs_with_one_table_name_are_refused(world: World, errors_of: Errors) -> None:
    text = step("a", "r") + step("df_a", "r") + step("t", "t", "needs: [a, df_a]") + step("w", "w")
    assert errors_of(world.steps(text)) == [("step.table_name", 6, 20)]
