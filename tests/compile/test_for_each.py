"""`for_each`: one step written, one for each item compiled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from osiris.compile.check import Checked

from .conftest import HEAD, World

Errors = Callable[[Checked], list[tuple[str, int | None, int | None]]]


def edges(checked: Checked) -> dict[str, tuple[str, ...]]:
    return {step.id: step.inputs for step in checked.manifest().steps}


PAIRS = """\
  - id: read-${item}
    component: shop.extractor
    mode: read
    for_each: [a, b]
    config: {table: "${item}", limit: 5}
  - id: write-${item}
    component: shop.writer
    mode: write
    for_each: [a, b]
    config: {table: "to_${item}"}
"""


def test_steps_over_the_same_items_are_paired_by_item(world: World) -> None:
    checked = world.steps(PAIRS)
    assert edges(checked) == {"read-a": (), "read-b": (), "write-a": ("read-a",), "write-b": ("read-b",)}
    options = {step.id: step.options["table"] for step in checked.manifest().steps}
    assert options == {"read-a": "a", "read-b": "b", "write-a": "to_a", "write-b": "to_b"}


def test_a_need_names_the_copy_of_its_item(world: World) -> None:
    text = PAIRS.replace("    mode: write\n", '    mode: write\n    needs: ["read-${item}"]\n')
    assert edges(world.steps(text)) == edges(world.steps(PAIRS))
    text = PAIRS.replace("    mode: write\n", '    mode: write\n    inputs: {df: "${read-${item}.df}"}\n')
    assert edges(world.steps(text)) == edges(world.steps(PAIRS))


def test_a_need_of_the_id_as_written_names_all_copies(world: World) -> None:
    text = (
        PAIRS.partition("  - id: write")[0]
        + """\
  - id: join
    component: box.processor
    mode: transform
    needs: ["read-${item}"]
    config: {query: q}
  - {id: w, component: shop.writer, mode: write, config: {table: t}}
"""
    )
    assert edges(world.steps(text))["join"] == ("read-a", "read-b")
    plain = text.replace("read-${item}", "read")
    assert edges(world.steps(plain))["join"] == ("read-1", "read-2")


def test_items_keep_their_types_and_may_be_mappings(world: World) -> None:
    text = """\
  - id: r-${item.name}
    component: shop.extractor
    mode: read
    for_each: [{name: a, limit: 3}, {name: b, limit: 4}]
    config: {table: "${item.name}", limit: "${item.limit}"}
  - {id: j, component: box.processor, mode: transform, config: {query: q}}
  - {id: w, component: shop.writer, mode: write, config: {table: t}}
"""
    checked = world.steps(text)
    assert [(s.id, s.options.get("limit")) for s in checked.manifest().steps[:2]] == [("r-a", 3), ("r-b", 4)]
    assert edges(checked)["j"] == ("r-a", "r-b")


def test_the_items_may_be_a_param(world: World) -> None:
    params = "params: {tables: {type: list, default: [x]}}\n"
    text = f"{HEAD}{params}steps:\n{PAIRS}".replace("[a, b]", '"${params.tables}"')
    assert [s.id for s in world.manifest(text, {"tables": "[x, y]"}).steps] == [
        "read-x",
        "read-y",
        "write-x",
        "write-y",
    ]


@pytest.mark.parametrize(
    ("items", "config", "expected"),
    [
        ("[]", "x", ("step.for_each", 7, 15)),
        ("5", "x", ("step.for_each", 7, 15)),
        ("[a, b]", "${item.name}", ("reference.item", 8, 21)),
        ("[{name: a}, {nam: b}]", "${item.name}", ("reference.item", 8, 21)),
        ("[a, a]", "x", ("step.duplicate_id", 4, 9)),
        ("[a, A]", "x", ("step.duplicate_id", 4, 9)),
        ("[a/b]", "x", ("step.id", 4, 9)),
    ],
)
def test_items_that_make_no_steps_are_refused(
    world: World, errors_of: Errors, items: str, config: str, expected: tuple[str, int, int]
) -> None:
    text = f"""\
  - id: r-${{item}}
    component: shop.extractor
    mode: read
    for_each: {items}
    config: {{table: "{config}"}}
  - {{id: w, component: shop.writer, mode: write, config: {{table: t}}}}
"""
    assert expected in errors_of(world.steps(text))


def test_a_fault_of_every_copy_is_told_once(world: World, errors_of: Errors) -> None:
    text = PAIRS.replace("limit: 5", "limit: 0")
    assert errors_of(world.steps(text)) == [("option.range", 8, 39)]


def test_for_each_cannot_multiply_without_end(world: World, errors_of: Errors) -> None:
    params = "params: {n: {type: list}}\n"
    text = f"{HEAD}{params}steps:\n{PAIRS}".replace("[a, b]", '"${params.n}"')
    many = "[" + ",".join(str(n) for n in range(60_000)) + "]"
    assert ("pipeline.too_large", 5, 5) in errors_of(world.check(text, {"n": many}))
