"""What an author says of his connector so that it can be tested: `Subject`, `Reading`, `Writing`, `Processing`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """An option set to another `value`, with `others` beside it in both runs: what is observed has to differ.

    `remove` names options of the subject that have to go first. `unseen` tells why nothing that can be observed differs
    (it saves memory, say): then it only has to be read.
    """

    value: Any
    others: Values = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    unseen: str = ""


Changes = Mapping[str, "Change | tuple[Change, ...] | Any"]
"""Another value for each option; a Change where more has to be said, several where several effects are to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A read whose rows are known.

    `options` read `rows`, in two batches or more, the first row of which is null in some column. `empty` changes them
    so that they read something of the same columns without rows, `missing` so that they name what is not there,
    `several` so that the read can be split. `spoil` damages the source so that a read fails after its first row;
    without it a proxy cuts the connection. `changes` has another value for each option.
    """

    component: str
    options: Values
    rows: pa.Table
    empty: Values
    missing: Values
    several: Values = field(default_factory=dict)
    spoil: Callable[[], object] | None = None
    changes: Changes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A write whose target can be looked at without the connector.

    `look` gives the target's rows, None while there is no target; `traces` names everything that lies in its place
    (files, tables), so that staging left behind shows. `key` is added for `write_mode: upsert`; the kit's rows have a
    number `id` and a text `name`. `changes` has another value for each option but `write_mode`; `observe` gives what a
    change may alter, where the rows do not show it (the bytes of a file). `held` locks the target for a block, as
    another session would: a commit waits, and the block is given what says whether one does.
    """

    component: str
    options: Values
    look: Callable[[], pa.Table | None]
    traces: Callable[[], Collection[str]]
    key: Values = field(default_factory=lambda: {"primary_key": ["id"]})
    observe: Callable[[], object] = lambda: None
    changes: Changes = field(default_factory=dict)
    held: Callable[[], AbstractContextManager[Callable[[], object]]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """A transformation whose rows are known: `options` turn `inputs` into `rows`.

    `twice` changes the options so that an input is read more than once, `early` so that it stops before its inputs do.
    """

    component: str
    options: Values
    inputs: Mapping[str, pa.Table]
    rows: pa.Table
    twice: Values | None = None
    early: Values | None = None
    changes: Changes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One connector in a place where it can be tried: `root` is the project's folder, `fields` a connection that works.

    `broken` are changes of the fields, by name, that make a connection fail; `silent` one that makes it accept and
    never answer (needed only where there is no `host` and `port`, through which a proxy does it). `discovered` names
    what `discover` must list.
    """

    family: str
    root: Path
    fields: Values = field(default_factory=dict)
    broken: Mapping[str, Values] = field(default_factory=dict)
    silent: Values | None = None
    discovered: Collection[str] = ()
    changes: Changes = field(default_factory=dict)
    reading: Reading | None = None
    writing: Writing | None = None
    processing: Processing | None = None
