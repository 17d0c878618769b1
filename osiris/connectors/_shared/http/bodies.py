"""Reading an answer's body whole, decompressed, and no larger than it may be."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from urllib3 import BaseHTTPResponse

from osiris.connectors._shared.http.endpoint import Caps
from osiris.errors import NetworkFailed, SourceError

PIECE_BYTES = 1 << 16
GROWN_BYTES = 1 << 20
"""A piece may grow a thousandfold: it is looked at each time that so much has come out of it."""


def whole(answer: BaseHTTPResponse, caps: Caps, where: str) -> bytes:
    """The body. One that ends early is NetworkFailed, one that is too much SourceError."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip"):
        raise SourceError(f"{where} answers compressed as {coding!r}, which nobody asked for", code="http.encoding")
    pieces = _Pieces(answer)
    body = bytearray()
    for piece in _unzipped(pieces, where) if "gzip" in coding else pieces:
        body += piece
        if len(body) > caps.body_bytes:
            raise SourceError(
                f"{where} answers with more than {caps.body_bytes:,} bytes",
                code="http.too_large",
                hint="ask for less at once: a smaller page, fewer columns",
            )
        if len(body) > max(caps.ratio_from_bytes, caps.ratio * pieces.size_bytes):
            raise SourceError(
                f"{where} answers with {len(body):,} bytes and more that were compressed to {pieces.size_bytes:,}",
                code="http.bomb",
                hint="no data is like that: check what answers there",
            )
    return bytes(body)


class _Pieces:
    """The bytes as they come over the network; `size_bytes` counts them."""

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self._answer = answer
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._answer.stream(PIECE_BYTES, decode_content=False):
            self.size_bytes += len(piece)
            yield piece


def _unzipped(pieces: _Pieces, where: str) -> Iterator[bytes]:
    """What is in a gzip stream, of one member or several."""
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if member.eof:
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield member.decompress(rest, GROWN_BYTES)
                rest = member.unconsumed_tail or member.unused_data
        yield member.flush()
    except zlib.error as error:
        raise SourceError(f"{where}: the answer cannot be decompressed: {error}", code="http.encoding") from error
    if pieces.size_bytes and not member.eof:
        raise NetworkFailed(f"{where}: the compressed answer ends early")
