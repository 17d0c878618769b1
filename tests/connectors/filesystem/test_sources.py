"""What the source of a file's text promises to the threads that read it."""

from __future__ import annotations

import threading
from pathlib import Path

from osiris.connectors.filesystem.paths import Place
from osiris.connectors.filesystem.sources import Reading, Source
from tests.connectors.filesystem.steps import csv


def test_a_source_that_is_closed_while_it_is_read_takes_nothing_from_the_next_file(tmp_path: Path) -> None:
    """pyarrow reads ahead in threads of its own. One that still reads when the file is closed would go on with whatever
    file got the same descriptor next, and move its position."""
    place = Place(tmp_path, confined=True)
    stop = threading.Event()
    first = place.file(csv(tmp_path, "a" * 300_000, "first.csv"))
    second = place.file(csv(tmp_path, "b" * 20_000, "second.csv"))
    for _ in range(400):
        source = Source(first, Reading(), stop)
        reader = threading.Thread(target=exhaust, args=(source, 7))
        reader.start()
        source.read(7)
        source.close()
        following = Source(second, Reading(), stop)
        assert exhaust(following, 4_000) == second.size_bytes
        following.close()
        reader.join()


def exhaust(source: Source, size: int) -> int:
    """Read to the end in pieces of `size`; how many bytes there were."""
    total = 0
    while piece := source.read(size):
        total += len(piece)
    return total
