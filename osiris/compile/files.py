"""A manifest on disk: as a build folder with one file a step, or as one file in a run's folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris import canonical, documents
from osiris.errors import ConfigError

FILE = "manifest.yaml"
CONFIGS = "cfg"
LIMITS = documents.Limits(size_bytes=1024**3, values=50_000_000, levels=200)
"""What was written here must be readable, however far params and `for_each` made it grow."""


def write_folder(folder: Path, data: Mapping[str, Any]) -> None:
    """Make `folder` with `manifest.yaml` and `cfg/<step>.json`; it appears whole, by a rename, or not at all.

    A damaged one is repaired file by file. Raises ConfigError when the folder cannot be written.
    """
    staging = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        (staging / CONFIGS).mkdir(parents=True)
        for name, text in _texts(data).items():
            (staging / name).write_text(text, encoding="utf-8", newline="\n")
        _publish(staging, folder)
    except OSError as error:
        raise _not_written(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_file(path: Path, data: Mapping[str, Any]) -> Path:
    """Write the whole manifest to `path`, by a rename, synced to disk: recovery depends on it."""
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with staging.open("w", encoding="utf-8", newline="\n") as file:
            file.write(documents.dumps(_in_order(data)))
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        staging.unlink(missing_ok=True)
    return path


def is_same(folder: Path, data: Mapping[str, Any]) -> bool:
    """Whether `folder` already holds exactly this manifest."""
    try:
        return all((folder / name).read_bytes() == text.encode() for name, text in _texts(data).items())
    except OSError:
        return False


def read(path: Path) -> dict[str, Any]:
    """The manifest's plain data, with the steps' configs put back in.

    Raises ConfigError when it is no manifest, or when a config is missing or was changed.
    """
    document = documents.load(path, LIMITS)
    data: dict[str, Any] = document.value
    is_mapping = isinstance(document.value, dict)
    if not is_mapping or "manifest_version" not in data or not isinstance(data.get("steps"), list):
        raise document.error("this is not a manifest", code="manifest.broken", hint="compile the pipeline again")
    for place, step in enumerate(data["steps"]):
        if isinstance(step, dict) and "config" not in step:
            name, digest = step.pop("config_file", None), step.pop("config_digest", None)
            if not isinstance(name, str) or name != f"{CONFIGS}/{step.get('id')}.json":
                raise document.error("the step has no config", "steps", place, code="manifest.broken")
            step["config"] = _config(path.parent / name, digest)
    return data


def _config(path: Path, digest: object) -> Any:
    try:
        content = path.read_bytes()
    except OSError as error:
        message, hint = f"{path} cannot be read: {error.strerror}", "compile the pipeline again"
        raise ConfigError(message, code="manifest.broken", hint=hint, file=str(path)) from error
    if canonical.digest_bytes(content) != digest:
        message = "the step's config was changed after it was compiled: its digest does not match"
        raise ConfigError(message, code="manifest.changed", hint="compile the pipeline again", file=str(path))
    return json.loads(content)


def _texts(data: Mapping[str, Any]) -> dict[str, str]:
    """Each file of the folder form, the manifest last."""
    texts: dict[str, str] = {}
    steps = []
    for step in data["steps"]:
        name = f"{CONFIGS}/{step['id']}.json"
        texts[name] = json.dumps(step["config"], sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        kept = {key: value for key, value in step.items() if key != "config"}
        steps.append(kept | {"config_file": name, "config_digest": canonical.digest_bytes(texts[name].encode())})
    texts[FILE] = documents.dumps(_in_order({**data, "steps": steps}))
    return texts


def _in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every mapping below the top sorted, where order carries no meaning, so that the bytes repeat."""
    return {key: _steps(value) if key == "steps" else _sorted(value) for key, value in data.items()}


def _steps(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: _sorted(value) for key, value in step.items()} for step in steps]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value


def _publish(staging: Path, folder: Path) -> None:
    """Rename the folder; where there is one already, replace its files one by one, the manifest last.

    Another process that does the same at this moment does it with the same bytes, since their digest is in the name.
    """
    try:
        staging.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        (folder / CONFIGS).mkdir(exist_ok=True)
        for path in [*sorted((staging / CONFIGS).iterdir()), staging / FILE]:
            path.replace(folder / path.relative_to(staging))


def _not_written(path: Path, error: OSError) -> ConfigError:
    reason = error.strerror or str(error)
    return ConfigError(f"{path} cannot be written: {reason}", code="manifest.not_written", file=str(path))
