"""YAML files as plain data with places: what is read, what is refused, and where the refusal points."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.documents import Limits, dumps, load, loads
from osiris.errors import ConfigError

PIPELINE = """\
name: p
steps:
  - id: a
    config:
      query: "select 1"
      limit: 10
  - {id: b, needs: [a, x]}
"""


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loads(text, "f.yaml")
    assert caught.value.exit_code == 2
    return caught.value


def refusal(text: str) -> tuple[str, int | None, int | None]:
    error = refused(text)
    assert error.file == "f.yaml"
    return error.code, error.line, error.column


def test_a_value_and_its_key_are_found_by_path() -> None:
    document = loads(PIPELINE, "f.yaml")
    assert document.value["steps"][0]["config"] == {"query": "select 1", "limit": 10}
    assert document.position("steps", 0, "config", "limit") == (6, 14)
    assert document.position("steps", 0, "config", "limit", key=True) == (6, 7)
    assert document.position("steps", 1, "needs", 1) == (7, 24)


def test_what_is_not_there_is_placed_at_its_nearest_ancestor() -> None:
    document = loads(PIPELINE, "f.yaml")
    assert document.position("steps", 0, "config", "table") == (5, 7)
    assert document.position("steps", 0, "config", "table", key=True) == (4, 5)
    assert document.position("steps", 7, "id") == (3, 3)
    assert document.position("other") == (1, 1)


def test_an_error_points_into_the_file() -> None:
    error = loads(PIPELINE, "f.yaml").error("too many", "steps", 0, "config", "limit", code="x.y", hint="fewer")
    assert (str(error), error.code, error.hint) == ("f.yaml:6:14: too many", "x.y", "fewer")


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "y", "n", "On", "YES"])
def test_only_true_and_false_are_booleans(word: str) -> None:
    assert loads(f"{word}: {word}", "f").value == {word: word}
    assert loads("[true, True, FALSE]", "f").value == [True, True, False]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("00123", "00123"),
        ("-007", "-007"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("12e9999", "12e9999"),
        ("9" * 401, "9" * 401),
        ("0.1.0", "0.1.0"),
        ("0", 0),
        ("-12", -12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("null", None),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("!!float 12", 12.0),
    ],
)
def test_a_scalar_is_never_guessed_into_something_else(text: str, value: object) -> None:
    """LESSONS: `00123` stays text; YAML 1.1 would make a number of it, and of 12:30 as well."""
    found = loads(f"a: {text}", "f").value["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_key_that_stands_twice_names_both_lines() -> None:
    error = refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (error.code, error.line, error.column) == ("yaml.duplicate_key", 5, 3)
    assert "on line 3 and on line 5" in error.message


def test_a_tab_is_named_as_the_fault() -> None:
    error = refused("a:\n\tb: 1\n")
    assert (error.code, error.line, error.column) == ("yaml.tab", 2, 1)
    assert "tab" in error.message
    assert refusal("a:\n  - b\n \t- c\n")[:2] == ("yaml.tab", 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1: a", ("yaml.key", 1, 1)),
        ("a: 1\ntrue: b", ("yaml.key", 2, 1)),
        ("? [a]\n: 1", ("yaml.key", 1, 3)),
        ("x: &x k\n*x : 1", ("yaml.key", 2, 1)),
        ("a: *x", ("yaml.alias", 1, 4)),
        ("a: &x [*x]", ("yaml.alias", 1, 8)),
        ("a: 1\n---\nb: 2", ("yaml.documents", 2, 1)),
        ("a: !!python/name:os.system x", ("yaml.tag", 1, 4)),
        ("a: !!timestamp 2026-01-01", ("yaml.tag", 1, 4)),
        ("!!set {a, b}", ("yaml.tag", 1, 1)),
        ("a: !!int x", ("yaml.tag", 1, 4)),
        ("a:\n  <<: 1", ("yaml.merge", 2, 7)),
        ("a: 'open", ("yaml.syntax", 1, 9)),
        ("a: b: c", ("yaml.syntax", 1, 5)),
        ("a: @x", ("yaml.syntax", 1, 4)),
        ("ab\x00", ("yaml.character", 1, 3)),
        ("[" * 5000, ("yaml.too_deep", 1, 65)),
    ],
)
def test_a_refusal_has_line_column_and_code(text: str, expected: tuple[str, int, int]) -> None:
    assert refusal(text) == expected


def test_a_reference_without_quotes_in_a_mapping_on_one_line_is_told_what_to_do() -> None:
    assert "must be quoted" in str(refused("a: {b: ${params.x}}").hint)


@pytest.mark.parametrize("text", ["a:\n  - b: 1\n    c: 2\n   d: 3\n", "a: 1\n  b\n c: 2\n", "a:\n  - 1\n b: 2\n"])
def test_a_wrong_indentation_is_told_what_to_do(text: str) -> None:
    assert "indentation" in str(refused(text).hint)


def test_a_missing_file_is_looked_for_one_folder_down(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "orders.yaml").touch()
    for name in ("orders", "orders.yaml", "order.yml"):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / name)
        near = name != "order.yml"
        assert caught.value.hint == (
            f'did you mean "{tmp_path / "pipelines" / "orders.yaml"}"?' if near else f"looked in {tmp_path}"
        )


def test_what_is_no_pipeline_is_not_meant(tmp_path: Path) -> None:
    for name in ("osiris.yaml", "osiris_connections.yaml", "sales.yaml"):
        (tmp_path / name).touch()
    for name in ("nope.yaml", "orisis.yaml"):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / name)
        assert caught.value.hint == f"looked in {tmp_path}"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "sale.yaml")
    assert caught.value.hint == 'did you mean "sales.yaml"?'


def test_a_folder_is_told_with_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "osiris.yaml").touch()
    (tmp_path / "pipelines").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert (caught.value.message, caught.value.hint) == (f"{tmp_path} is a folder", "name a file")
    meant = tmp_path / "pipelines" / "orders.yaml"
    meant.touch()
    for folder in (tmp_path, meant.parent):
        with pytest.raises(ConfigError) as caught:
            load(folder)
        assert caught.value.hint == f"name a file in it, such as {meant}"


def test_an_alias_is_a_copy_and_a_merge_gives_way_to_own_keys() -> None:
    value = loads("x: &x {a: [1], b: 2}\ny: *x\nz:\n  <<: *x\n  b: 3\n", "f").value
    assert value["z"] == {"b": 3, "a": [1]}
    value["y"]["a"].append(9)
    assert value["x"]["a"] == value["z"]["a"] == [1]


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    error = refused("\n".join(["a0: &a0 [lol]", *levels]))
    assert error.code == "yaml.too_large"
    assert error.line is not None
    assert error.line < 10


def test_aliases_do_not_reach_deeper_than_the_limit() -> None:
    levels = [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]
    assert refusal("\n".join(["a0: &a0 [x]", *levels]))[0] == "yaml.too_deep"


def test_a_file_with_too_many_values_is_refused() -> None:
    limits = Limits(size_bytes=100, values=10)
    for text in ("[1,2,3,4,5,6,7,8,9,10]", "x" * 101):
        with pytest.raises(ConfigError) as caught:
            loads(text, "f.yaml", limits)
        assert caught.value.code == "yaml.too_large"
    assert loads("[1,2,3,4,5,6,7,8,9]", "f.yaml", limits).value == list(range(1, 10))


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - x\r\n")
    document = load(path)
    assert document.value == {"a": 1, "b": ["x"]}
    assert document.position("b", 0) == (3, 5)


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("# only a comment\n")
    assert load(path).value is None
    assert load(path).position("a") == (1, 1)


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    def code(path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            load(path)
        return caught.value.code

    (tmp_path / "latin").write_bytes("a: 1\nb: \xe9".encode("latin-1"))
    with (tmp_path / "large").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    assert code(tmp_path / "missing") == "file.missing"
    assert code(tmp_path) == "file.unreadable"
    assert code(tmp_path / "latin") == "yaml.encoding"
    assert code(tmp_path / "large") == "yaml.too_large"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "latin")
    assert (caught.value.line, caught.value.column) == (2, 4)


def test_json_is_read_as_well() -> None:
    data = {"a": [1, 2.5, None, True, "x\ny", "\u00e9\u2028"], "b": {}, "c": []}
    assert loads(json.dumps(data, indent="\t", ensure_ascii=False), "f").value == data


def test_the_parser_without_the_c_library_reads_and_refuses_the_same() -> None:
    program = """
import sys, yaml
del yaml.CSafeLoader
from osiris.documents import loads
from osiris.documents.compose import LOADER
from osiris.errors import ConfigError
assert LOADER is yaml.SafeLoader
for text in sys.argv[1:]:
    try:
        document = loads(text, "f")
        print(document.value, document.position("a", key=True))
    except ConfigError as error:
        print(error.code, error.line)
"""
    texts = ["a: [on, 00123, 5]", "b:\n a: 1", "a:\n\tb: 1", "a: 1\na: 2", "a: *x", "a: 'x", 'a: "\\ud83d"', "[" * 500]
    done = subprocess.run([sys.executable, "-c", program, *texts], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "{'a': ['on', '00123', 5]} (1, 1)",
        "{'b': {'a': 1}} (1, 1)",
        "yaml.tab 2",
        "yaml.duplicate_key 2",
        "yaml.alias 1",
        "yaml.syntax 1",
        "yaml.character 1",
        "yaml.too_deep 1",
    ]


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refused('a: "\\ud83d"').exit_code == 2
    assert refused("a: \ud83d").code == "yaml.character"


@given(st.text(max_size=200))
@settings(max_examples=400)
def test_any_text_gives_data_or_a_config_error(text: str) -> None:
    _read_or_refuse(text)


@given(st.text("ab: -[]{}&*!|>'\"%@#,?\n\t1.<~", max_size=60))
@settings(max_examples=600)
def test_any_text_of_yaml_signs_gives_data_or_a_config_error(text: str) -> None:
    _read_or_refuse(text)


def _read_or_refuse(text: str) -> None:
    refusal: ConfigError | None = None
    try:
        json.dumps(loads(text, "f.yaml").value, allow_nan=False).encode()
    except ConfigError as error:
        refusal = error
    assert refusal is None or (refusal.file == "f.yaml" and refusal.message)


SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DATA = st.recursive(
    SCALARS | TEXTS, lambda part: st.lists(part, max_size=4) | st.dictionaries(TEXTS, part, max_size=4), max_leaves=20
)


@given(DATA)
@settings(max_examples=300)
def test_what_is_written_is_read_back_unaltered(value: object) -> None:
    assert loads(dumps(value), "f.yaml").value == value
