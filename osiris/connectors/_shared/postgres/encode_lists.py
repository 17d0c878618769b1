"""Lists as PostgreSQL's arrays of one dimension: https://github.com/postgres/postgres (arrayfuncs.c, array_recv)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.misfits import Misfit
from osiris.connectors._shared.postgres.encode import Cells
from osiris.connectors._shared.postgres.encode_rows import array_of, binary, entries, joined, raw_of


def lists(array: pa.Array, element: Callable[[pa.Array], Cells], oid: int) -> pa.Array:
    """Lists of values that `element` encodes; `oid` is their type's."""
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy().astype(np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    values = bare(pc.list_flatten(array))
    try:
        found = entries(element(values))
    except Misfit as misfit:
        place = int(np.searchsorted(starts, misfit.place, side="right")) - 1
        raise Misfit(place, f"has an element that {misfit.reason}") from misfit
    ends, data = raw_of(found)
    head = np.zeros((len(array), 5), ">i4")
    head[:, 0] = lengths > 0
    head[:, 1], head[:, 2], head[:, 3], head[:, 4] = values.null_count > 0, oid, lengths, 1
    matrix = head.view(np.uint8).reshape(len(array), 20)
    kept = np.ones(matrix.shape, np.bool_)
    kept[lengths == 0, 12:] = False
    return joined(binary(matrix, kept), array_of(ends[starts] - ends[0], data, like=array))
