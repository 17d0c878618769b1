"""The ledger: what is appended is folded back, torn and damaged lines, and the state of every flow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.connectors.base import Dataset, Part, State, Token
from osiris.errors import ConfigError
from osiris.runs import Decision, FlowState, Ledger, ledger

words = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
data = st.dictionaries(words, values, max_size=3)
tokens = st.builds(Token, words, words, st.builds(Dataset, words, words), st.booleans(), data)
counts = st.integers(0, 2**40)
parts = st.lists(st.builds(Part, counts, counts, counts, counts, data), max_size=3).map(tuple)
decisions = st.lists(st.builds(Decision, tokens, parts, st.none() | st.builds(State, counts, data)), max_size=3)
FLOWS = st.sampled_from(["one", "two"])
entries = st.one_of(
    st.tuples(st.just("planned"), FLOWS, st.integers(1, 9), tokens),
    st.tuples(st.just("decided"), FLOWS, decisions),
    st.tuples(st.just("committed"), FLOWS, words, counts),
    st.tuples(st.just("undoing"), FLOWS),
    st.tuples(st.just("undone"), FLOWS),
    st.tuples(st.just("done"), FLOWS),
    st.tuples(st.just("finished"), st.sampled_from(["success", "failure", "cancelled"])),
)


def model(steps: list[tuple[Any, ...]]) -> tuple[dict[str, FlowState], str | None]:
    """What each entry means, said once more."""
    flows: dict[str, FlowState] = {}
    finished = None
    for kind, *rest in steps:
        if kind == "finished":
            finished = rest[0]
        else:
            finished = None if kind == "planned" else finished
            mean(flows.setdefault(rest[0], FlowState()), kind, rest)
    return flows, finished


def mean(flow: FlowState, kind: str, rest: list[Any]) -> None:
    if kind == "planned":
        flow.planned, flow.attempt = [*flow.planned, rest[2]], max(flow.attempt, rest[1])
    if kind == "committed":
        flow.committed[rest[1]] = rest[2]
    if kind in ("decided", "undoing", "undone"):
        flow.decided = tuple(rest[1]) if kind == "decided" else None
    if kind in ("undone", "done"):
        flow.planned, flow.done = [], flow.done or kind == "done"


@given(steps=st.lists(entries, max_size=12), torn=st.binary(max_size=20))
def test_what_is_appended_is_folded_back_whatever_the_last_line_became(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]], torn: bytes
) -> None:
    folder = tmp_path_factory.mktemp("run")
    for one in steps:  # a ledger of its own for each: every append may be the first after a crash
        made = Ledger(folder)
        getattr(made, one[0])(*one[1:])
        made.close()
        with (folder / ledger.FILE).open("ab") as file:
            file.write(torn.replace(b"\n", b""))
    flows, finished = model(steps)
    state = ledger.read(folder)
    assert (state.flows, state.finished) == (flows, finished)
    ends_so = steps[-1][1] if steps and steps[-1][0] == "finished" else None
    assert ledger.finished(folder) == ends_so


def test_a_torn_last_line_is_left_out_and_cut_before_the_next(tmp_path: Path) -> None:
    made = Ledger(tmp_path)
    made.done("one")
    made.close()
    path = tmp_path / ledger.FILE
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"entry":"fini')
    assert ledger.read(tmp_path).flows["one"].done
    made = Ledger(tmp_path)
    assert path.read_bytes() == whole
    made.finished("success")
    made.close()
    assert ledger.read(tmp_path).finished == "success"


@pytest.mark.parametrize(
    "line", [b"\x00\x00", b"[]", b'{"entry":"sold","flow":"x"}', b'{"entry":"planned","flow":"x"}', b'{"flow":"x"}']
)
def test_a_damaged_line_is_an_error_that_names_it(tmp_path: Path, line: bytes) -> None:
    (tmp_path / ledger.FILE).write_bytes(b'{"entry":"done","flow":"one"}\n' + line + b"\n")
    with pytest.raises(ConfigError, match="ledger is damaged") as caught:
        ledger.read(tmp_path)
    assert (caught.value.code, caught.value.file, caught.value.line) == (
        "ledger.damaged",
        str(tmp_path / ledger.FILE),
        2,
    )


def test_a_ledger_that_is_not_there_is_that_of_a_run_that_did_nothing(tmp_path: Path) -> None:
    assert ledger.read(tmp_path) == ledger.RunState()
    assert ledger.finished(tmp_path) is None


def test_only_a_last_line_that_says_so_ends_a_run(tmp_path: Path) -> None:
    path = tmp_path / ledger.FILE
    end = b'{"entry":"finished","status":"failure"}\n'
    for text, wanted in {
        b"": None,
        end: "failure",
        end + b'{"entry":"plan': "failure",
        end[:-1]: None,
        end + b'{"entry":"undone","flow":"x"}\n': None,
        b'{"entry":"done","flow":"' + b"x" * 2000 + b'"}\n': None,
        b'{"entry":"done","flow":"' + b"x" * 2000 + b'"}\n' + end: "failure",
    }.items():
        path.write_bytes(text)
        assert ledger.finished(tmp_path) == wanted, text


def test_asking_whether_a_run_is_over_reads_its_last_line_only(tmp_path: Path) -> None:
    """A pipeline may have thousands of runs: a damaged line further up goes unseen, and so is never read."""
    (tmp_path / ledger.FILE).write_bytes(b"damaged\n" * 1000 + b'{"entry":"finished","status":"success"}\n')
    assert ledger.finished(tmp_path) == "success"
    with pytest.raises(ConfigError):
        ledger.read(tmp_path)


def test_a_line_that_does_not_fit_on_the_disk_is_cut_away(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from osiris.runs import Ledger
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
ledger = Ledger(Path({str(tmp_path)!r}))
ledger.done("one")
try:
    ledger.done("x" * 1000)
except OSError as error:
    print(error.strerror or error)
ledger.done("two")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() in (os.strerror(27), os.strerror(28))
    assert list(ledger.read(tmp_path).flows) == ["one", "two"]
    lines = (tmp_path / ledger.FILE).read_text().splitlines()
    assert [json.loads(line)["flow"] for line in lines] == ["one", "two"]
