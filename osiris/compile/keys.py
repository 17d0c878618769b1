"""The keys of a pipeline's YAML, each with the JSON Schema of its value: what checker, editors and reference know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from osiris.compile.manifest import Mode
from osiris.compile.param_types import FORMER_TYPES, TYPES

OML_VERSION = "0.1.0"
FOLDER_NAME = re.compile(r'[^/\\:*?"<>|\x00-\x1f]{1,100}')
STEP_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
MAX_ATTEMPTS = 100
MODES: tuple[Mode, ...] = get_args(Mode)

Schema = Mapping[str, Any]


def whole(pattern: re.Pattern[str]) -> str:
    """`pattern` as JSON Schema wants it, where one that is found anywhere counts."""
    return f"^(?:{pattern.pattern})$"


_SPELLED = {
    "type": "string",
    "pattern": rf"^\s*(?:{DURATION.pattern})\s*$",
    "patternErrorMessage": 'write seconds, or a text such as "30s", "5m", "1h"',
}
"""Editors show the last key instead of the pattern."""
_WAIT = [{"type": "number", "minimum": 0}, _SPELLED]
_LIMIT = [{"type": "number", "exclusiveMinimum": 0}, _SPELLED, {"type": "null"}]


RETRY: Mapping[str, Schema] = {
    "attempts": {
        "description": "How often the step's flow is tried in all; 1 means no retry.",
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_ATTEMPTS,
        "default": 1,
    },
    "backoff": {
        "description": "The wait before the second attempt, doubled before each further one: seconds, or 500ms, 1s.",
        "anyOf": _WAIT,
    },
    "max_backoff": {"description": "The longest wait between two attempts: seconds, or 30s, 1m.", "anyOf": _WAIT},
}
COLUMN: Mapping[str, Schema] = {
    "from": {"description": "The column as the step before names it.", "type": "string", "minLength": 1},
    "to": {"description": "Its name in the target; the same unless given.", "type": "string", "minLength": 1},
    "type": {
        "description": "What it is cast to, strictly: int64, decimal(12,2), date, timestamp, string and so on.",
        "type": ["string", "null"],
    },
}
STEP: Mapping[str, Schema] = {
    "id": {
        "description": "The step's name: letters, digits, _ and -. In SQL its rows are a table of this name.",
        "type": "string",
        "pattern": whole(STEP_ID),
    },
    "component": {"description": "What does the work, family.kind, such as duckdb.processor.", "type": "string"},
    "mode": {
        "description": "What the step does; what its component does when absent.",
        "anyOf": [{"enum": list(MODES)}, {"type": "null"}],
    },
    "config": {
        "description": 'The component\'s options, and connection: "@family.alias".',
        "type": ["object", "null"],
    },
    "needs": {
        "description": "The steps before this one. Absent: the step above; []: none.",
        "type": ["array", "string", "null"],
        "items": {"type": "string"},
    },
    "inputs": {
        "description": 'Names for the rows that it takes, such as {df: "${people.df}"}.',
        "type": ["object", "null"],
        "minProperties": 1,
        "additionalProperties": {"type": "string"},
    },
    "retry": {
        "description": "How often the step's flow is tried: a number of attempts, or a mapping.",
        "type": ["object", "integer", "null"],
        "minimum": 1,
        "maximum": MAX_ATTEMPTS,
        "additionalProperties": False,
        "properties": RETRY,
    },
    "timeout": {"description": "How long the step's flow may take: seconds, or 30s, 5m, 1h.", "anyOf": _LIMIT},
    "for_each": {
        "description": "The step is copied for each item of this list; ${item} stands for the item.",
        "type": "array",
        "minItems": 1,
    },
    "columns": {
        "description": "On a write step: which columns are written, under which names and types.",
        "type": ["array", "null"],
        "minItems": 1,
        "items": {"type": "object", "required": ["from"], "additionalProperties": False, "properties": COLUMN},
    },
}
STEP_REQUIRED = ("id", "component")
PARAM: Mapping[str, Schema] = {
    "type": {
        "description": "What its value is.",
        "default": "string",
        "anyOf": [{"enum": list(TYPES)}, {"enum": list(FORMER_TYPES), "deprecated": True}],
    },
    "default": {"description": "The value when nothing else gives one; without it a value must be given."},
    "enum": {"description": "The values that are allowed.", "type": ["array", "null"], "minItems": 1},
    "secret": {
        "description": "true: the value is never written down; it is given when the pipeline runs.",
        "type": "boolean",
        "default": False,
    },
    "description": {"description": "For readers."},
}
PROFILE: Mapping[str, Schema] = {
    "params": {"description": "The values of params in this profile.", "type": "object"},
}
TOP: Mapping[str, Schema] = {
    "oml_version": {"description": "The version of this format.", "const": OML_VERSION},
    "name": {
        "description": "Names the pipeline's folders under build/ and run_logs/.",
        "type": "string",
        "pattern": rf"^(?![ .]){FOLDER_NAME.pattern}(?<![ .])$",
    },
    "description": {"description": "For readers.", "type": ["string", "null"]},
    "metadata": {
        "description": "Whatever other programs want to know; kept in the manifest.",
        "type": ["object", "null"],
    },
    "params": {"description": "What can be set from outside, name by name.", "type": ["object", "null"]},
    "profiles": {
        "description": "Sets of values of params, chosen by --profile.",
        "type": ["object", "null"],
        "additionalProperties": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": PROFILE,
        },
    },
    "steps": {"description": "What is done, step by step.", "type": "array", "minItems": 1},
}
TOP_REQUIRED = ("oml_version", "name", "steps")
