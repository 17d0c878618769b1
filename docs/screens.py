"""Takes the screenshots of docs/decisions/0008-screens.md: real commands on real terminals (tmux).

.venv/bin/python docs/screens.py        writes the page anew; times and run ids differ each time
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent / "decisions" / "0008-screens.md"
WIDTHS = (80, 120)
HEIGHT = 100
LIMIT_S = 120.0
ROWS = 600_000
NUMBERS = itertools.count()
HEAD = """\
# 0008: what the screens look like

What `run`, `connections doctor`, `explain` and an error look like on terminals of 80 and of 120 columns, without their
colours. Made by `.venv/bin/python docs/screens.py`, which runs each command in tmux.
"""
FILES = {
    "osiris_connections.yaml": """\
version: 1
connections:
  filesystem:
    landing: {base_dir: landing, default: true}
    archive: {base_dir: /mnt/archive/2026}
  duckdb:
    shop: {path: shop.duckdb, default: true}
    lake: {path: "${LAKE_DIR}/lake.duckdb"}
""",
    "revenue.yaml": """\
oml_version: "0.1.0"
name: revenue
params:
  since: {type: date, default: "2026-01-01"}
steps:
  - id: orders
    component: filesystem.csv_extractor
    config:
      path: orders-*.csv
      dtypes: {order_id: int64, customer_id: int64, amount: "decimal(12,2)", ordered_on: date}
  - id: customers
    needs: []
    component: filesystem.csv_extractor
    config: {path: customers.csv}
  - id: by-country
    needs: [orders, customers]
    component: duckdb.processor
    config:
      query: |
        select country, date_trunc('month', ordered_on) as month, sum(amount) as revenue, count(*) as orders
        from orders join customers using (customer_id)
        where ordered_on >= DATE '${params.since}'
        group by all
  - id: to-shop
    component: duckdb.writer
    config: {table: revenue, write_mode: replace}
  - id: to-file
    needs: [by-country]
    component: filesystem.parquet_writer
    config: {path: revenue.parquet, compression: zstd}
""",
    "refunds.yaml": """\
oml_version: "0.1.0"
name: refunds
steps:
  - id: refunds
    component: filesystem.csv_extractor
    config: {path: refunds.csv, dtypes: {order_id: int64, amount: "decimal(12,2)"}}
  - id: to-shop
    component: duckdb.writer
    config: {table: refunds, write_mode: replace}
""",
    "landing/refunds.csv": "order_id,amount\n1,10.50\n2,seven\n3,8.00\n",
    "wrong.yaml": """\
oml_version: "0.1.0"
name: wrong
steps:
  - id: orders
    component: filesystem.csv_extracter
    config: {path: orders-*.csv}
  - id: to-file
    needs: [order]
    component: filesystem.csv_writer
    config: {path: revenue.csv, write_mode: replace, create_dirs: true, newline: lf, quoting: minimal, delimeter: ";"}
""",
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A command, and when its screen is taken: at its end, or once `ready` finds something on it."""

    title: str
    command: str
    ready: Callable[[str], bool] = lambda screen: "exit " in screen.splitlines()[-1]


def running(screen: str) -> bool:
    """The orders are on their way, and something was counted."""
    return any(line.startswith("orders") and "running" in line and "," in line for line in screen.splitlines())


SHOTS = (
    Shot("A run, while it goes on", "osiris run revenue.yaml", running),
    Shot("A run that has ended", "osiris run revenue.yaml"),
    Shot("A run that failed", "osiris run refunds.yaml"),
    Shot("Doctor", "osiris connections doctor"),
    Shot("A pipeline explained", "osiris explain revenue.yaml"),
    Shot("Errors of a pipeline", "osiris validate wrong.yaml"),
    Shot("An error of a connection", "osiris discover @duckdb.lake"),
)


@contextmanager
def project() -> Iterator[Path]:
    """A folder with connections, pipelines and data, with many orders."""
    with tempfile.TemporaryDirectory(prefix="shop-") as name:
        folder = Path(name)
        landing = folder / "landing"
        landing.mkdir()
        for path, text in FILES.items():
            (folder / path).write_text(text, encoding="utf-8")
        (landing / "customers.csv").write_text(
            "customer_id,country\n" + "".join(f"{n},C{n % 40}\n" for n in range(1000))
        )
        for number in range(3):
            with (landing / f"orders-{number + 1}.csv").open("w", encoding="utf-8") as file:
                file.write("order_id,customer_id,amount,ordered_on\n")
                first = number * ROWS // 3
                file.writelines(
                    f"{n},{n % 1000},{n % 997}.{n % 90 + 10},2026-{n % 12 + 1:02}-{n % 28 + 1:02}\n"
                    for n in range(first, first + ROWS // 3)
                )
        yield folder


def taken(shot: Shot, columns: int, folder: Path) -> str:
    """The screen as text."""
    socket = f"osiris-screens-{os.getpid()}-{next(NUMBERS)}"  # a server that is ending takes no session
    tmux = ["tmux", "-L", socket, "-f", os.devnull]
    script = f"printf '$ {shot.command}\\n'; {shot.command}; echo exit $?; exec sleep 600"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "SHELL": "/bin/sh"}
    size = ["-x", str(columns), "-y", str(HEIGHT)]
    subprocess.run([*tmux, "new-session", "-d", *size, "sh", "-c", script], cwd=folder, env=environ, check=True)
    try:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            done = subprocess.run(
                [*tmux, "capture-pane", "-p"], env=environ, capture_output=True, text=True, check=True
            )
            screen = done.stdout.rstrip()
            if screen and shot.ready(screen):
                return screen
            time.sleep(0.02)
        raise SystemExit(f"{shot.title}: waited in vain; the screen is\n{screen}")
    finally:
        subprocess.run([*tmux, "kill-server"], env=environ, check=False)


def main() -> None:
    if shutil.which("tmux") is None:
        raise SystemExit("tmux is needed: apt-get install tmux")
    parts = [HEAD]
    with project() as folder:
        for shot in SHOTS:
            parts.append(f"\n## {shot.title}\n")
            for columns in WIDTHS:
                screen = taken(shot, columns, folder)
                parts.append(f"\n{columns} columns:\n\n```text\n{screen}\n```\n".replace(str(folder), "/home/ada/shop"))
    PAGE.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
