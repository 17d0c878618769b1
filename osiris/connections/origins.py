"""Where each field of a connection comes from: the file, a variable, another secret store, or the spec's default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from osiris.components.component import defaults
from osiris.components.rules import Rules
from osiris.connections.describe import is_secret, masked, placeholders
from osiris.connections.substitution import Sources
from osiris.documents import Document

Origin = Literal["literal", "variable", "reference", "default"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it is written, secrets masked; `written` is its name in the file, which may be a former one.

    `variables` says of each variable in its text whether it is set, `unset` names those that somebody has to set. No
    value is looked up. `line` is that of the connections file, None for a default.
    """

    name: str
    written: str
    value: Any
    origin: Origin
    variables: Mapping[str, bool] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    line: int | None = None


def fields_of(document: Document, family: str, alias: str, rules: Rules | None, sources: Sources) -> Iterator[Field]:
    """The fields of the file, in its order, then those that it leaves to defaults; none of these without `rules`."""
    fields: Mapping[str, Any] = document.value["connections"][family][alias]
    aliases = rules.aliases if rules is not None else {}
    present = set()
    for written, value in fields.items():
        if written == "default":
            continue
        former = written in aliases and aliases[written] not in fields
        name = aliases[written] if former else written
        present.add(name)
        line, _ = document.position("connections", family, alias, written, key=True)
        yield _looked_at(Field(name, written, value, "literal", line=line), rules, sources)
    if rules is not None:
        for name, value in defaults(rules.schema, rules.names).items():
            if name not in present:
                yield Field(name, name, value, "default")


def secret_places(fields: Iterable[Field], rules: Rules, sources: Sources, file: str) -> dict[str, str]:
    """Where the secrets among the `fields` of a connection are written: what to look at when a login is refused."""
    return {
        field.written: _place(field, sources, file)
        for field in fields
        if field.line is not None and is_secret((field.written,), rules)
    }


def _place(field: Field, sources: Sources, file: str) -> str:
    if field.origin == "literal" or not isinstance(field.value, str):
        return f"line {field.line} of {file}"
    return f"{field.value} in .env" if any(map(sources.stands_in_dotenv, field.variables)) else field.value


def _looked_at(raw: Field, rules: Rules | None, sources: Sources) -> Field:
    """The field with what its text refers to, and without what is secret."""
    found = list(placeholders(raw.value))
    variables = {name: sources.has(name) for name in sorted({each.name for each in found if each.name is not None})}
    needed = {each.name for each in found if each.default is None}
    return replace(
        raw,
        value=masked(raw.value, (raw.written,), rules),
        origin="variable" if variables else "reference" if found else "literal",
        variables=variables,
        unset=tuple(name for name, is_set in variables.items() if name in needed and not is_set),
    )
