"""Reading a pipeline's YAML: its sections, and its steps with `for_each` expanded and params filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from osiris.compile import keys, step_fields
from osiris.compile.issues import Issues, Path
from osiris.compile.keys import FOLDER_NAME, OML_VERSION
from osiris.compile.manifest import ColumnMap, Retry
from osiris.compile.templates import NO_ITEM, Scope, fill
from osiris.errors import ConfigError

STEP_OUTPUT = re.compile(r"\$\{([^.{}]*(?:\$\{[^{}]*\})?[^.{}]*)\.df\}")
ITEM = "${item"
MAX_STEPS = 50_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A step as written, expanded and filled in, not yet held against its component.

    `path` leads to it in the document; copies of one `for_each` share it, as they share `group`, the id as written.
    `needs` is None when it is absent, and so is `inputs`. `copy` is the place of its item, `items` all of them.
    """

    path: Path
    id: str
    group: str
    component: str
    mode: str
    config: Mapping[str, Any]
    needs: tuple[str, ...] | None
    inputs: Mapping[str, str] | None
    retry: Retry
    timeout_s: float | None
    columns: tuple[ColumnMap, ...]
    copy: int | None = None
    items: tuple[Any, ...] = ()


def top_level(value: Any, issues: Issues) -> dict[str, Any]:
    """The pipeline's mapping, its keys checked; an empty one when the document is no mapping."""
    if not isinstance(value, dict):
        what = "empty" if value is None else "not a mapping"
        hint = f'start with oml_version: "{OML_VERSION}", name and steps'
        issues.error("pipeline.shape", f"the pipeline is {what}", hint=hint)
        return {}
    step_fields.unknown_keys(value, keys.TOP, issues, (), "pipeline.unknown_key")
    version = value.get("oml_version")
    if version != OML_VERSION:
        message = f'"oml_version" must be "{OML_VERSION}"' + ("" if version is None else f", not {version!r}")
        issues.error("pipeline.version", message, "oml_version", hint=f'write oml_version: "{OML_VERSION}"')
    name = value.get("name")
    if not isinstance(name, str) or not is_folder_name(name):
        message = '"name" must be a text of 1 to 100 characters that can name a folder'
        issues.error("pipeline.name", message, "name", hint='leave out / \\ : * ? " < > | and a dot or space at an end')
    if not isinstance(value.get("description", ""), str | None):
        issues.error("pipeline.shape", '"description" must be text', "description")
    if not isinstance(value.get("metadata", {}), dict | None):
        issues.error("pipeline.shape", '"metadata" must be a mapping', "metadata")
    return value


def is_folder_name(name: str) -> bool:
    """Whether `name` can be a folder on every system."""
    return bool(FOLDER_NAME.fullmatch(name)) and name == name.strip(" .")


def steps(section: Any, scope: Scope, issues: Issues) -> list[Draft]:
    """Every step of `section` that can be made out; faults go to `issues`."""
    if not isinstance(section, list) or not section:
        message, hint = '"steps" must be a list with one step or more', "write steps: with - id: ... under it"
        issues.error("pipeline.steps", message, "steps", hint=hint, key=True)
        return []
    found: list[Draft] = []
    for place, body in enumerate(section):
        path: Path = ("steps", place)
        if not isinstance(body, dict):
            issues.error("step.shape", "a step must be a mapping with id and component", *path)
            continue
        step_fields.unknown_keys(body, keys.STEP, issues, path, "step.unknown_key")
        _required(body, issues, path)
        found.extend(_copies(body, scope, issues, path))
        if len(found) > MAX_STEPS:
            issues.error("pipeline.too_large", f"more than {MAX_STEPS:,} steps", *path)
            return []
    return found


def _required(body: dict[str, Any], issues: Issues, path: Path) -> None:
    for key in (*keys.STEP_REQUIRED, "mode"):
        value = body.get(key)
        if value == "":
            issues.error("step.missing_key", f'the "{key}" of the step is empty', *path, key)
        elif value is None and key in keys.STEP_REQUIRED:
            issues.error("step.missing_key", f'the step has no "{key}"', *path)
        elif not isinstance(value, str | None):
            issues.error("step.shape", f'"{key}" must be text', *path, key, hint="put it in quotes")
    if not isinstance(body.get("config", {}), dict | None):
        issues.error("step.shape", '"config" must be a mapping of options', *path, "config")


def _copies(body: dict[str, Any], scope: Scope, issues: Issues, path: Path) -> Iterator[Draft]:
    """The step, or one copy for each item of its `for_each`."""
    if "for_each" not in body:
        yield _draft(body, scope, issues, path)
        return

    def complain(error: ConfigError, below: Path) -> None:
        issues.error(error.code, error.message, *path, "for_each", *below, hint=error.hint)

    items = fill(body["for_each"], scope, complain)
    if not isinstance(items, list) or not items:
        hint = "write for_each: [a, b], or a param of type list"
        issues.error("step.for_each", '"for_each" must be a list with one item or more', *path, "for_each", hint=hint)
        return
    shared = tuple(items)
    for place, item in enumerate(items[: MAX_STEPS + 1]):
        draft = _draft(body, replace(scope, item=item), issues, path)
        named = ITEM in draft.group or not draft.id
        name = draft.id if named else f"{draft.id}-{place + 1}"
        yield replace(draft, id=name, copy=place, items=shared)


def _draft(body: dict[str, Any], scope: Scope, issues: Issues, path: Path) -> Draft:
    def complain_at(key: str) -> Any:
        def complain(error: ConfigError, below: Path) -> None:
            in_key = error.code == "reference.key"
            issues.error(error.code, error.message, *path, key, *below, hint=error.hint, key=in_key)

        return complain

    def filled(key: str, within: Scope = scope) -> Any:
        return fill(body.get(key), within, complain_at(key))

    step_id, written = _text(filled("id")), _text(body.get("id"))
    config = filled("config", replace(scope, allow_secrets=True))
    raw_inputs = body.get("inputs")
    if isinstance(raw_inputs, dict):
        raw_inputs = {key: _step_named(value) for key, value in raw_inputs.items()}
    return Draft(
        path=path,
        id=step_id,
        group=written if ITEM in written else step_id,
        component=_text(filled("component")),
        mode=_text(filled("mode")),
        config=config if isinstance(config, dict) else {},
        needs=step_fields.needs(_needs(body.get("needs"), scope, complain_at("needs")), issues, (*path, "needs")),
        inputs=step_fields.inputs(fill(raw_inputs, scope, complain_at("inputs")), issues, (*path, "inputs")),
        retry=step_fields.retry(filled("retry"), issues, (*path, "retry")),
        timeout_s=step_fields.timeout(filled("timeout"), issues, (*path, "timeout")),
        columns=step_fields.columns(filled("columns"), issues, (*path, "columns")),
    )


def _needs(value: Any, scope: Scope, complain: Any) -> Any:
    """Outside a `for_each`, an id with `${item}` in it names all copies of the step that is written so."""
    if scope.item is NO_ITEM and isinstance(value, list):
        return [
            item if isinstance(item, str) and ITEM in item else fill(item, scope, complain, (place,))
            for place, item in enumerate(value)
        ]
    return fill(value, scope, complain)


def _step_named(value: Any) -> Any:
    """`${step.df}` as `step`, whatever of `${item}` is inside it; any other value as it is."""
    found = STEP_OUTPUT.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found is not None and found[1] not in ("params", "item") else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
