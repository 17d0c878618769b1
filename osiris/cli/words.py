"""What a project has to offer for the values of arguments and options: names of components, pipelines, runs and so on.

Each is given to click as `shell_complete`. Nothing here resolves a variable, opens a connection or imports a connector,
and each reads and imports only what it needs: somebody waits for it with a finger on a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from osiris.cli.face import Face

Words = Callable[[click.Context], Iterable[str | tuple[str, str]]]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
PIPELINES = "pipelines"
YAML = (".yaml", ".yml")
TOP_BYTES = 65_536
TOP_KEYS = (b"oml_version", b"steps")


def offered(words: Words) -> Complete:
    """Those of the words that begin as what was typed; each alone, or with a text that says what it is."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        pairs = (word if isinstance(word, tuple) else (word, "") for word in words(context))
        return [CompletionItem(word, help=text or None) for word, text in pairs if word.startswith(typed)]

    return complete


def folders(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    return [CompletionItem(typed, type="dir")]


def pipelines(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Those that the project has; any file when what was typed is none of them."""
    return offered(_pipelines)(context, parameter, typed) or [CompletionItem(typed, type="file")]


def _pipelines(context: click.Context) -> Iterator[str]:
    """All YAML files below `pipelines/`, and what looks like a pipeline beside it."""
    root = _root(context)
    inside = (path for path in (root / PIPELINES).rglob("*") if path.suffix in YAML and path.is_file())
    beside = (path for path in root.iterdir() if path.suffix in YAML and _is_pipeline(path))
    return (path.relative_to(root).as_posix() for found in (inside, beside) for path in sorted(found))


def _is_pipeline(path: Path) -> bool:
    """By its keys: a folder may hold other YAML files, the project's own among them."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return any(line.startswith(TOP_KEYS) for line in file.read(TOP_BYTES).splitlines())


@offered
def parameters(context: click.Context) -> Iterator[tuple[str, str]]:
    """Those of the pipeline on this line that are not set yet."""
    known = {text.partition("=")[0] for text in context.params.get("param") or ()}
    for name, body in _part_of_pipeline(context, "params").items():
        if name not in known:
            yield f"{name}=", str(body.get("description", "")) if isinstance(body, dict) else ""


@offered
def profiles(context: click.Context) -> Iterable[str]:
    """Those of the pipeline on this line."""
    return _part_of_pipeline(context, "profiles")


@offered
def components(context: click.Context) -> Iterable[str]:
    from osiris.components import catalog

    return catalog.load(_registry(context)).names()


@offered
def families(context: click.Context) -> Iterable[str]:
    families: list[str] = _registry(context).families()
    return families


@offered
def templates(_context: click.Context) -> Iterable[str]:
    """Those that `osiris init` knows."""
    from osiris.cli import starter

    return starter.templates()


@offered
def schemas(_context: click.Context) -> Iterable[str]:
    """Those of a project's files and of the commands."""
    from osiris.cli import schemas

    return (*schemas.FILES, *schemas.names())


@offered
def references(context: click.Context) -> Iterator[str]:
    """Every connection, `@family.alias`, that is not on this line yet."""
    from osiris.connections import layout

    path = layout.find(_root(context).absolute(), os.environ)
    for family, aliases in layout.connections_of(layout.read(path) if path else None).items():
        for alias in aliases:
            if (reference := f"@{family}.{alias}") not in (context.params.get("references") or ()):
                yield reference


@offered
def runs(context: click.Context) -> Iterator[tuple[str, str]]:
    """Every run, the newest first."""
    from osiris.runs import ledger, newest_first

    for run in newest_first(_root(context)):
        yield run.run_id, f"{run.pipeline}, {ledger.finished(run.path) or 'unfinished'}, {run.started_at[:19]}"


@offered
def run_pipelines(context: click.Context) -> Iterable[str]:
    """The names of the pipelines that were run."""
    from osiris.runs import find

    return sorted({run.pipeline for run in find(_root(context))})


@offered
def run_steps(context: click.Context) -> Iterable[str]:
    """The steps of the run on this line, else of the newest."""
    from osiris.runs import get

    return get(_root(context), context.params.get("run_id")).steps()


def _root(context: click.Context) -> Path:
    face = context.find_object(Face)
    return Path(face.folder or "." if face else ".")


def _registry(context: click.Context) -> Any:
    """By the `plugins` of osiris.yaml, which is not checked here."""
    from osiris.connectors import registry

    path = _root(context) / "osiris.yaml"
    plugins = (_yaml(path) or {}).get("plugins", {}) if path.is_file() else {}
    return registry.load(registry.Policy(**plugins))


def _part_of_pipeline(context: click.Context, part: str) -> dict[str, Any]:
    name = context.params.get("pipeline")
    if not name:
        return {}
    inside = _root(context) / name
    document = _yaml(inside if inside.is_file() else Path(name))
    found = document.get(part) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _yaml(path: Path) -> Any:
    from osiris import documents

    return documents.load(path).value
