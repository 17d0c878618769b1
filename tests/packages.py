"""Packages written for a test: a folder with code, specs and a real `.dist-info`, as an installer would leave it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

SPEC = """\
name: {family}.extractor
version: 0.1.0
title: reads {family}
modes: [extract]
capabilities: {{}}
configSchema:
  type: object
  additionalProperties: false
  properties:
    table: {{type: string}}
"""


def write_package(  # noqa: PLR0913 - a package has that many parts; all but the family are optional
    folder: Path,
    family: str,
    *,
    distribution: str = "",
    files: Mapping[str, str] | None = None,
    value: str = "",
    metadata: str = "",
) -> str:
    """Write `osiris_<family>` with one spec into `folder`; `files` adds to it or replaces. Gives the distribution."""
    package, distribution = f"osiris_{family}", distribution or f"osiris-{family}"
    information = f"{distribution.replace('-', '_')}-0.1.0.dist-info"
    written = {
        f"{package}/__init__.py": "",
        f"{package}/components/{family}.extractor/spec.yaml": SPEC.format(family=family),
        f"{information}/METADATA": (f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1.0\n{metadata}"),
        f"{information}/entry_points.txt": f"[osiris.connectors]\n{family} = {value or package}\n",
        **(files or {}),
    }
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return distribution
