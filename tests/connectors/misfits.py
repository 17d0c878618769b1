"""Pipelines that hold, and do not fit the database as it is: how a run of them ends, the same for every family."""

from __future__ import annotations

import json
from typing import Any

from osiris import Project

ROWS = {"table": "words"}
MISFITS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no source": ({"table": "nowhere"}, {"table": "t"}, "no table"),
    "no column to read": ({"table": "words", "columns": ["nope"]}, {"table": "t"}, "no column 'nope'"),
    "no column in a condition": ({"table": "words", "where": "nope = 1"}, {"table": "t"}, "nope"),
    "no key": (ROWS, {"table": "t", "write_mode": "upsert", "primary_key": "nope"}, "no column 'nope'"),
    "no target": (ROWS, {"table": "t", "create_if_missing": False}, "no table"),
    "no place for a column": (ROWS, {"table": "narrow"}, "no column 'word'"),
    "a column that does not come": (ROWS, {"table": "wide"}, "'must' is missing"),
    "a view": (ROWS, {"table": "seen"}, "only a table"),
}
"""By name: what is read, what is written, and a part of what is said."""
TABLES = (
    "CREATE TABLE words (id INT, word VARCHAR(9))",
    "CREATE TABLE narrow (id INT)",
    "CREATE TABLE wide (id INT, word VARCHAR(9), must INT NOT NULL)",
    "CREATE VIEW seen AS SELECT id, word FROM words",
)


def ends_as_it_should(project: Project, family: str, name: str) -> bool:
    """Whether a dry run and a run say what they have to, and end with 2: the pipeline or the table has to be changed.
    A table that is not there yet may come: 1."""
    reading, writing, text = MISFITS[name]
    steps = [
        {"id": "read", "component": f"{family}.extractor", "config": reading},
        {"id": "write", "component": f"{family}.writer", "config": writing},
    ]
    path = project.root / "misfit.yaml"
    path.write_text(json.dumps({"oml_version": "0.1.0", "name": "misfit", "steps": steps}))
    reports = [project.run(path, dry_run=dry) for dry in (True, False)]
    code = 1 if text == "no table" else 2
    return [(report.exit_code, text in str(report.error)) for report in reports] == [(code, True)] * 2
