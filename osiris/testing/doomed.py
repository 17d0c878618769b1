"""A process that writes and is killed: it begins and writes, or commits too, says so, and waits for its end.

python -m osiris.testing.doomed < orders      the orders and the answer are pickles; see `Order`
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from osiris.connectors.base import Part, Run, Token

Point = Literal["before commit", "after commit"]


@dataclass(frozen=True, slots=True)
class Order:
    """What to write, plain: `rows` is an Arrow IPC stream, as `pa.Table` can be made of it."""

    family: str
    component: str
    root: Path
    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    rows: bytes
    run: Run
    folder: Path
    until: Point


def killed(orders: Sequence[Order]) -> list[tuple[Token, Part]]:
    """Let a process do them, kill it there, and give the token and the part of each that a ledger would know."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "osiris.testing.doomed"]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        pickle.dump(orders, process.stdin)
        process.stdin.close()
        try:
            found: list[tuple[Token, Part]] = pickle.load(process.stdout)  # noqa: S301 - from our own process
        except EOFError:
            raise AssertionError(f"the writing process failed:\n{process.stderr.read().decode()}") from None
        finally:
            process.kill()
    return found


def main() -> None:
    orders: Sequence[Order] = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
    rigs: list[Any] = []
    pickle.dump([_done(order, rigs) for order in orders], sys.stdout.buffer)
    sys.stdout.buffer.flush()
    time.sleep(60)


def _done(order: Order, rigs: list[Any]) -> tuple[Token, Part]:
    """Begin and write, and commit if so ordered; what is open is kept in `rigs` until the end."""
    import pyarrow as pa

    from osiris.testing.rig import Rig, stage
    from osiris.testing.subject import Subject

    rig = Rig(Subject(family=order.family, root=order.root, fields=order.fields), order.folder)
    rigs.append(rig)
    table = pa.ipc.open_stream(order.rows).read_all()
    writer = rig.instance(order.component, order.options)
    token, part = stage(writer, table.to_batches(), table.schema, order.run)
    if order.until == "after commit":
        writer.commit(token, [part], None)
    return token, part


if __name__ == "__main__":
    main()
