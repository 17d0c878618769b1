"""The files that `init` and `demo` give to a new project: folders of this package, copied as text."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from osiris.errors import ConfigError, did_you_mean

EVERY_PROJECT = "every_project"
TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Template:
    """A project that `init` can make: its `files` by their path in it, and which of them is the `pipeline` to run."""

    name: str
    pipeline: str
    files: dict[str, str]

    @property
    def description(self) -> str:
        """What the pipeline says of itself."""
        from osiris import documents

        return str(documents.loads(self.files[self.pipeline], self.pipeline).value["description"])


def templates() -> dict[str, Template]:
    """Every folder of `templates/`, by name: what it holds, with what every project gets."""
    base = resources.files("osiris.cli") / TEMPLATES
    names = sorted(folder.name for folder in base.iterdir() if (folder / "pipelines").is_dir())
    return {name: _template(name) for name in names}


def template(name: str) -> Template:
    """The template of that name; ConfigError for an unknown one."""
    known = templates()
    if name not in known:
        hint = did_you_mean(name, list(known)) or f"templates: {', '.join(known)}"
        raise ConfigError(f'there is no template "{name}"', code="init.template", hint=hint)
    return known[name]


def _template(name: str) -> Template:
    files = files_of(f"{TEMPLATES}/{name}")
    pipeline = next(path for path in files if path.startswith("pipelines/"))
    return Template(name, pipeline, files_of(EVERY_PROJECT) | files)


def files_of(folder: str) -> dict[str, str]:
    """The texts of a folder beside this file, by the path that each gets in the project; `dot.x` becomes `.x`.

    Those that have a schema tell editors where it is.
    """
    from osiris.project.schemas import wired

    base = resources.files("osiris.cli") / folder
    found: dict[str, str] = {}
    waiting = [(base, "")]
    while waiting:
        node, above = waiting.pop()
        for child in node.iterdir():
            name = above + child.name
            if child.is_dir():
                waiting.append((child, f"{name}/"))
            elif not name.endswith((".py", ".pyc")):
                path = name.replace("dot.", ".", 1)
                found[path] = wired(path, child.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def schema_files() -> dict[str, str]:
    """The schemas that those texts name, of all that is installed."""
    from osiris.components import catalog
    from osiris.connectors import registry
    from osiris.project import schemas

    return schemas.files(catalog.load(registry.load()))


def write_new(root: Path, files: dict[str, str]) -> list[str]:
    """Write all files or none; ConfigError when one of them is there already."""
    there = [name for name in files if (root / name).exists() or (root / name).is_symlink()]
    if there:
        hint = "choose an empty folder, or remove what you do not need; nothing was written"
        raise ConfigError(
            f"already there: {', '.join(str(root / name) for name in there)}", code="init.exists", hint=hint
        )
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException:
        for path in made:
            path.unlink()
        raise
    return list(files)


def write_over(root: Path, files: dict[str, str]) -> None:
    """Write all files, over those that are there."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
