"""Answers to a COPY made by hand: cut anywhere, rows of every length, errors, and what no server sends."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from functools import partial

import pytest

from osiris.connectors._shared.postgres.answer import Answer, Rows
from osiris.errors import SourceError
from osiris.testing.rig import raised


def message(kind: str, said: bytes = b"") -> bytes:
    return kind.encode() + struct.pack(">I", len(said) + 4) + said


BEGIN = message("H", b"\1" + bytes(2))
END = message("c") + message("C", b"COPY 3\0") + message("Z", b"T")
NOTICE = message("N", b"SNOTICE\0C00000\0Mhello\0\0")
ERROR = message("E", b"SERROR\0VERROR\0C22012\0Mdivision by zero\0\0")
LENGTHS = {
    "short": [1, 0, 250],
    "longer than a byte can say": [1, 251, 252, 255, 256, 70_000, 3],
    "longer than the buffer": [5, 9000, 4096, 4091, 4092, 1],
    "many": [0] * 20_000,
}


def rows(lengths: Iterable[int]) -> list[bytes]:
    return [bytes([place % 256]) * length for place, length in enumerate(lengths)]


def given(raw: bytes, sizes: Iterable[int], chunk_bytes: int = 4096) -> tuple[Answer, list[bytes]]:
    """The answer once it is finished or the bytes are, which come in pieces of these sizes; and its rows."""
    answer, found, at = Answer(chunk_bytes), list[bytes](), 0
    for size in sizes:
        space = answer.space()
        piece = raw[at : at + min(size, len(space))]
        space[: len(piece)] = piece
        answer.received(len(piece))
        at += len(piece)
        if answer.is_full:
            found += answer.rows()
            answer.discard()
        if answer.finished or at == len(raw):
            break
    return answer, found + list(answer.rows())


def any_sizes(seed: int) -> Iterable[int]:
    draw = random.Random(seed)
    return iter(lambda: draw.choice((1, 3, 100, 5000)), None)


@pytest.mark.parametrize("name", LENGTHS)
@pytest.mark.parametrize("seed", range(5))
def test_rows_come_whole_however_they_are_cut(name: str, seed: int) -> None:
    sent = rows(LENGTHS[name])
    answer, found = given(BEGIN + b"".join(message("d", row) for row in sent) + END, any_sizes(seed))
    assert found == sent
    assert answer.finished
    assert answer.error is None


@pytest.mark.parametrize("seed", range(5))
def test_what_may_come_at_any_time_is_no_row(seed: int) -> None:
    long_notice = message("N", b"SNOTICE\0M" + b"x" * 300 + b"\0\0")
    parts = [NOTICE, BEGIN, message("d", b"a"), long_notice, message("d", b"b"), message("S", b"x\0y\0"), END, NOTICE]
    answer, found = given(b"".join(parts), any_sizes(seed))
    assert found == [b"a", b"b"]
    assert answer.finished


def test_an_answer_is_not_finished_before_its_last_byte() -> None:
    whole = BEGIN + message("d", b"a") + END
    for size in range(len(whole)):
        assert not given(whole[:size], iter(lambda: 1, None))[0].finished


@pytest.mark.parametrize("before", [b"", BEGIN, BEGIN + message("d", b"a"), BEGIN + message("c")])
def test_an_error_is_told_wherever_it_comes(before: bytes) -> None:
    answer, _ = given(before + ERROR + message("Z", b"E"), any_sizes(0))
    assert answer.finished
    assert answer.error
    assert answer.error[ord("C")] == b"22012"
    answer, _ = given(before + ERROR, any_sizes(0))
    assert not answer.finished
    assert answer.error


BROKEN = {
    "rows before the begin": message("d", b"a"),
    "rows behind the end": BEGIN + message("c") + message("d", b"a"),
    "rows behind an error": BEGIN + ERROR + message("d", b"a"),
    "no end": BEGIN + message("C", b"COPY 0\0"),
    "no word of the end": BEGIN + message("c") + message("Z", b"T"),
    "the end before the begin": message("c"),
    "a second begin": BEGIN + BEGIN,
    "rows of another kind": message("T", b"\0\0"),
    "a message without a length": BEGIN + b"d\0\0\0\3",
    "a message of an endless length": BEGIN + b"d\xff\xff\xff\xff" + bytes(5000),
    "an error that a pooler puts into a row": BEGIN
    + message("d", bytes(900))[:500]
    + (ERROR + b"d\xff\xff\xff\xff") * 40,
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(5000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_an_error(name: str) -> None:
    with pytest.raises(SourceError) as failed:
        given(BROKEN[name], iter(lambda: 4096, None))
    assert failed.value.code == "source.protocol"
    assert failed.value.retryable, "it is another answer the next time, if a pooler lost its server"


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_answer_is_an_error_or_not_finished_or_has_as_many_rows(seed: int) -> None:
    draw = random.Random(seed)
    sent = rows([3, 40, 300, 0])
    whole = BEGIN + b"".join(message("d", row) for row in sent) + END
    for _ in range(200):
        damaged = bytearray(whole)
        place = draw.randrange(len(damaged) + 1)
        damaged[place : place + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        found = list[bool]()
        error = raised(partial(read_into, found, bytes(damaged), len(sent) + 1))
        assert found == [True] or isinstance(error, SourceError), repr(error)


def read_into(found: list[bool], raw: bytes, most_rows: int) -> None:
    """Whether it is the answer of a server, or the begin of one."""
    answer, got = given(raw, any_sizes(0))
    found.append(not answer.finished or answer.error is not None or len(got) <= most_rows)


def test_rows_are_taken_in_parts() -> None:
    found = Rows.of([b"a", b"", b"bc"])
    assert list(found) == [b"a", b"", b"bc"]
    assert list(found.part(1)) == [b"", b"bc"]
    assert list(found.part(0, -1)) == [b"a", b""]
    assert list(Rows.of([])) == []
