"""The table of broken connectors in docs/decisions/0006: `python -m tests.kit.page` writes it anew."""

from __future__ import annotations

import inspect
from pathlib import Path

from tests.kit import broken

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "0006-conformance-kit.md"
HEADING = "## Which test catches which fault\n"


def table() -> str:
    """A row for each fault: what is wrong with the connector, and the one test that fails."""
    lines = ["| broken connector | what is wrong with it | caught by |", "|---|---|---|"]
    for group in broken.GROUPS:
        for fault in broken.faults(group):
            told = " ".join((inspect.getdoc(fault) or "").split()).replace("|", "\\|")
            lines.append(f"| `{broken.family(fault)}` | {told} | `{fault.caught_by}` |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page with the table as it has to be."""
    before = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    return f"{before}{HEADING}\n{table()}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
