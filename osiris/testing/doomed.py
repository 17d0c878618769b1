"""A process that writes and is killed: it begins and writes, or commits too, says so, and waits for its end.

python -m osiris.testing.doomed < order      the order and the answer are pickles; see `Order`
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Mapping
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


def killed(order: Order) -> tuple[Token, Part]:
    """Let a process do it, kill it there, and give the token and the part that a ledger would know."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "osiris.testing.doomed"]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        pickle.dump(order, process.stdin)
        process.stdin.close()
        try:
            token, part = pickle.load(process.stdout)  # noqa: S301 - from our own process
        except EOFError:
            raise AssertionError(f"the writing process failed:\n{process.stderr.read().decode()}") from None
        finally:
            process.kill()
    return token, part


def main() -> None:
    import pyarrow as pa

    from osiris.testing.rig import Rig, stage
    from osiris.testing.subject import Subject

    order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
    rig = Rig(Subject(family=order.family, root=order.root, fields=order.fields), order.folder)
    table = pa.ipc.open_stream(order.rows).read_all()
    writer = rig.instance(order.component, order.options)
    token, part = stage(writer, table.to_batches(), table.schema, order.run)
    if order.until == "after commit":
        writer.commit(token, [part], None)
    pickle.dump((token, part), sys.stdout.buffer)
    sys.stdout.buffer.flush()
    time.sleep(60)


if __name__ == "__main__":
    main()
