"""Framing: packets in pieces of any size, long ones, the ends of a result, and everything that is no result."""

from __future__ import annotations

import pytest
from pymysql import err
from pymysql.constants import FIELD_TYPE

from osiris.connectors.mysql.columns import Column, Policy
from osiris.connectors.mysql.decode import Decoder
from osiris.errors import InternalError, SourceError
from tests.connectors.mysql.packets import (
    EOF,
    FIRST,
    FULL,
    OK_AS_EOF,
    decoded,
    error,
    received,
    stream,
    text_row,
)

TEXT = Column("t", FIELD_TYPE.VAR_STRING, charset=45, length=400)
BLOB = Column("b", FIELD_TYPE.BLOB, length=2**32 - 1)
ROWS = [("a",), ("",), (None,), ("x" * 200,), ("y" * 300,), ("z" * 5000,), ("ž" * 70_000,), ("end",)]


def result(rows: list[tuple[str | None]], end: bytes = EOF) -> bytes:
    return stream([*(text_row(*row) for row in rows), end])


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 64, 4093, 4096, None])
def test_rows_come_whole_whatever_the_pieces_are(piece: int | None) -> None:
    assert decoded([TEXT], result(ROWS), piece=piece) == ROWS


def test_numbers_of_packets_start_anew_after_255() -> None:
    rows: list[tuple[str | None]] = [(str(number),) for number in range(1000)]
    assert decoded([TEXT], result(rows)) == rows


@pytest.mark.parametrize("end", [EOF, OK_AS_EOF])
def test_a_result_of_no_rows_ends(end: bytes) -> None:
    decoder = Decoder([TEXT], Policy(), 4096, sequence=FIRST)
    assert received(decoder, result([], end)) == []
    assert (decoder.finished, decoder.rows) == (True, 0)
    with pytest.raises(InternalError, match="has ended"):
        decoder.space()


@pytest.mark.parametrize("extra", [-9, -1, 0, 1])
def test_a_row_of_16_mib_and_more_is_joined(extra: int) -> None:
    """At 0 the row fills its packet, so that an empty one has to follow. The row has a length of 4 bytes before it."""
    value = bytes(range(256)) * (2**24 // 256 + 1)
    rows = [(b"before",), (value[: FULL - 4 + extra],), (b"after",)]
    data = stream([*(text_row(*row) for row in rows), EOF])
    assert decoded([BLOB], data, piece=1 << 20) == rows


def test_a_row_of_many_packets_is_joined_and_its_memory_given_back() -> None:
    value = b"0123456789abcdef" * (40 * 2**20 // 16)
    rows = [(b"before",), (value,), (b"after",), *[(b"x" * 100,)] * 200]
    decoder = Decoder([BLOB], Policy(), 4096, sequence=FIRST)
    data = stream([*(text_row(*row) for row in rows), EOF])
    batches = received(decoder, data, 3 << 20)
    assert [row for batch in batches for row in zip(batch["b"].to_pylist(), strict=True)] == rows
    assert batches[1].nbytes < 100 * 2**20


@pytest.mark.parametrize("cut", range(len(result([("ab",), (None,)]))))
def test_a_stream_that_is_cut_is_an_error_wherever_that_is(cut: int) -> None:
    decoder = Decoder([TEXT], Policy(), 4096, sequence=FIRST)
    with pytest.raises(err.OperationalError) as caught:
        received(decoder, result([("ab",), (None,)])[:cut])
    assert caught.value.args[0] == 2013
    assert not decoder.finished


def test_an_error_among_the_rows_is_raised_as_what_it_is() -> None:
    for numbers in ([FIRST, FIRST + 1], [FIRST, 0]):  # a session that was killed begins to count anew
        row, packet = text_row("a"), error(1317, "Query execution was interrupted")
        data = stream([row], numbers[0]) + stream([packet], numbers[1])
        with pytest.raises(err.OperationalError) as caught:
            decoded([TEXT], data)
        assert caught.value.args == (1317, "Query execution was interrupted")


ROW = text_row("abc")
DAMAGED = {
    "a packet is empty": stream([b"", EOF]),
    "packets are missing": stream([ROW]) + stream([ROW, EOF], FIRST + 2),
    "packets out of order": stream([ROW]) + stream([EOF], FIRST),
    "no first packet": stream([ROW, EOF], FIRST + 1),
    "the end is too short": stream([ROW, b"\xfe\0\0"]),
    "the end is too long": stream([ROW, b"\xfe\0\0\x02\0\0\0\0\0\0"]),
    "the end is no OK packet": stream([ROW, b"\xfe\0\x05\x02\0\0\0"]),
    "an error without a number": stream([ROW, b"\xff\x01"]),
    "an error that is no text": stream([ROW, b"\xff\x01\x04#\xff\xff\xff\xff\xffabc"]),
    "a value longer than its row": stream([b"\x04abc", EOF]),
    "a row longer than its columns": stream([b"\x03abc\x01x", EOF]),
    "a length that is none": stream([b"\xff", EOF]),
    "a length that is cut": stream([b"\xfc\x01", EOF]),
    "a length beyond everything": stream([b"\xfd\xff\xff\xffabc", EOF]),
    "a length of 8 bytes in a small packet": stream([b"\xfe" + b"\0" * 8 + b"abc", EOF]),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("piece", [1, 4096])
def test_what_is_no_result_is_an_error(name: str, piece: int) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        decoded([TEXT], DAMAGED[name], piece=piece)


@pytest.mark.parametrize("extra", [b"\0", stream([ROW], FIRST + 2)])
def test_bytes_after_the_end_are_an_error(extra: bytes) -> None:
    """Those that come later are met by the next statement, whose answer begins with them."""
    with pytest.raises(SourceError, match=f"{len(extra)} bytes follow its end"):
        decoded([TEXT], stream([ROW, EOF]) + extra)


def test_more_results_than_one_are_refused() -> None:
    with pytest.raises(SourceError, match="more than one result"):
        decoded([TEXT], stream([ROW, b"\xfe\0\0\x0a\0"]))


def test_a_batch_owns_its_memory() -> None:
    """Each batch but the last is looked at only when the buffer has been filled anew."""
    rows: list[tuple[str | None]] = [(f"{number:05}" * 10,) for number in range(1000)]
    decoder = Decoder([TEXT], Policy(), 4096, sequence=FIRST)
    batches = received(decoder, result(rows), 1000)
    assert len(batches) > 5
    assert [row for batch in batches for row in zip(batch["t"].to_pylist(), strict=True)] == rows
