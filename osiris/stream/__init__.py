"""Streams of Arrow record batches: watched, merged, prefetched, spilled."""

from osiris.stream.batches import EXHAUSTED, Batches, End, FirstError, share
from osiris.stream.prefetch import Budget, Source, prefetch
from osiris.stream.rebatch import rebatch
from osiris.stream.spill import Spill, SpillSpace

__all__ = [
    "EXHAUSTED",
    "Batches",
    "Budget",
    "End",
    "FirstError",
    "Source",
    "Spill",
    "SpillSpace",
    "prefetch",
    "rebatch",
    "share",
]
