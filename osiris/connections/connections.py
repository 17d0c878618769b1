"""`Connections`: what a project's connections file says, and the fields behind a reference such as `@duckdb.main`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from osiris.components import check
from osiris.components.catalog import Catalog, Rules
from osiris.components.component import defaults
from osiris.connections import layout
from osiris.connections.describe import described
from osiris.connections.origins import Field, fields_of, secret_places
from osiris.connections.resolution import CODES, Fault, Filled, fill
from osiris.connections.substitution import Sources
from osiris.documents import Document
from osiris.errors import ConfigError, NotFound, OsirisError, did_you_mean
from osiris.secrets import redactor

if TYPE_CHECKING:
    from osiris.connectors.base import Connection

Why = Literal["default_true", "called_default", "only_one"]
"""Why a step that names no connection has got this one."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A connection as far as it could be resolved: the `connection` when there are no `faults`.

    `short_secrets` names the fields whose secret is too short to be masked inside a longer text.
    """

    connection: Connection | None
    faults: tuple[Fault, ...]
    short_secrets: tuple[str, ...] = ()


class Connections:
    """The connections of a project. Variables are looked up only for the connection that is asked for."""

    def __init__(self, root: Path, catalog: Catalog, document: Document | None, sources: Sources) -> None:
        self.root = root
        self.path = Path(document.name) if document is not None else None
        self._catalog = catalog
        self._document = document
        self._sources = sources
        self._families = layout.connections_of(document)

    @classmethod
    def load(cls, root: Path, catalog: Catalog, environ: Mapping[str, str] | None = None) -> Connections:
        """Read the file that holds for the project folder `root`; without one there are no connections."""
        environ = os.environ if environ is None else environ
        root = root.absolute()
        path = layout.find(root, environ)
        document = layout.read(path) if path is not None else None
        return cls(root, catalog, document, Sources(path.parent if path else root, environ))

    def families(self) -> list[str]:
        """The families of the file, in its order; they may be unknown to the catalog."""
        return list(self._families)

    def aliases(self, family: str) -> list[str]:
        return list(self._families.get(family, {}))

    def references(self) -> list[str]:
        """Every connection, `@family.alias`, in the order of the file."""
        return [f"@{family}.{alias}" for family, aliases in self._families.items() for alias in aliases]

    def reference(self, family: str, given: str | None) -> str | None:
        """The reference that a step of `family` means by `given`; None when the family has no connections.

        Without one: the alias with `default: true`, else the alias `default`, else the only one. Raises ConfigError for
        anything that is not plainly one connection of that family.
        """
        if given is not None:
            found, _ = self.split(given)
            if found != family:
                raise ConfigError(
                    f"{given} is a connection of the family {found}, not of {family}",
                    code="connection.family",
                    hint=self._choices(family),
                )
            return given
        aliases = self._families.get(family)
        if not aliases:
            return None
        choice = self.choice(family)
        if choice is None:
            names = ", ".join(f"@{family}.{name}" for name in aliases)
            text = f"the family {family} has {len(aliases)} connections and none is the default"
            raise ConfigError(text, code="connection.ambiguous", hint=f"name one of {names}, or give one default: true")
        return f"@{family}.{choice[0]}"

    def choice(self, family: str) -> tuple[str, Why] | None:
        """The alias that a missing reference means, and why it is that one; None when that is not settled."""
        aliases = self._families.get(family, {})
        for alias, fields in aliases.items():
            if fields.get("default"):
                return alias, "default_true"
        if "default" in aliases:
            return "default", "called_default"
        return (next(iter(aliases)), "only_one") if len(aliases) == 1 else None

    def split(self, reference: str) -> tuple[str, str]:
        """Family and alias of `@family.alias`. Raises ConfigError when there is no such connection."""
        family, dot, alias = reference.removeprefix("@").partition(".")
        if not reference.startswith("@") or not dot:
            near = did_you_mean(f"@{reference.removeprefix('@')}", self.references())
            text = f'"{reference}" is not a reference to a connection'
            raise ConfigError(text, code="connection.reference", hint=near or "write @family.alias")
        if alias not in self._families.get(family, {}):
            # the family in front would make every reference look alike
            alike = family not in self._families or did_you_mean(alias, self.aliases(family))
            near = did_you_mean(reference, self.references()) if alike else ""
            text = f"there is no connection {reference}"
            raise ConfigError(text, code="connection.unknown", hint=near or self._choices(family))
        return family, alias

    def keys(self, reference: str) -> set[str]:
        """The fields that are set, under their present names; no variable is looked up. Raises ConfigError for one that
        the family does not have."""
        family, alias = self.split(reference)
        rules = self._rules(family)
        self.refuse_unknown(reference)
        return set(self._folded(rules, family, alias)[0])

    def refuse_unknown(self, reference: str) -> None:
        """Raise ConfigError, at its line, for a field that the family does not have; of a family that is not known
        itself nobody can say."""
        family, alias = self.split(reference)
        rules = self._known_rules(family)
        if rules is None:
            return
        faults = _schema_faults(rules, self._folded(rules, family, alias)[0], Filled())
        unknown = tuple(fault for fault in faults if fault.code == CODES["option.unknown"])
        if unknown:
            raise self._error(family, reference, unknown)

    def resolve(self, family: str, reference: str | None, overrides: Mapping[str, Any] | None = None) -> Connection:
        """The connection with its values: spec defaults < file < `overrides`. Its secrets are masked from now on.

        Without a reference it is anonymous: defaults and overrides. Raises ConfigError naming every fault, and where
        the first one stands.
        """
        examined = self.examine(family, reference, overrides)
        if examined.connection is None:
            raise self._error(family, reference, examined.faults)
        return examined.connection

    def restore(self, connection: Connection) -> Connection:
        """The same connection with its fields, which it loses when it is pickled."""
        reference = connection.reference if connection.alias else None
        restored = self.resolve(connection.family, reference, connection.overrides)
        return replace(restored, look_only=connection.look_only)

    def examine(self, family: str, reference: str | None, overrides: Mapping[str, Any] | None = None) -> Examined:
        """As `resolve`, with the faults collected instead of raised; an unknown family or reference raises."""
        from osiris.connectors.base import Connection

        alias = None
        if reference is not None:
            alias = self.split(str(self.reference(family, reference)))[1]
        rules = self._rules(family)
        fields = self._folded(rules, family, alias)[0] if alias is not None else {}
        overrides = dict(overrides or {})
        filled = fill({name: value for name, value in fields.items() if name not in overrides}, rules, self._sources)
        given = fill(overrides, rules, None)
        values = filled.values | overrides
        values |= {n: value for n, value in defaults(rules.schema, rules.names).items() if n not in values}
        faults = [*_schema_faults(rules, values, filled), *filled.faults]
        if alias is not None:
            faults += self._forbidden(family, overrides)
        short = tuple(sorted(filled.short | given.short))
        if faults:
            return Examined(None, tuple(faults), short)
        places = self._secret_places(rules, reference) if reference is not None else {}
        return Examined(Connection(family, alias, self.root, values, overrides, secret_places=places), (), short)

    def describe(self) -> dict[str, Any]:
        """The shape of `connections list --json`: what is written, secrets masked, no variable's value shown."""
        shown = {
            family: {
                alias: described(
                    fields, self._known_rules(family), self._sources, is_default=self._is_default(family, alias)
                )
                for alias, fields in aliases.items()
            }
            for family, aliases in self._families.items()
        }
        return {"connections": redactor.leaves(shown)}

    def fields(self, reference: str) -> list[Field]:
        """Where each field of a connection comes from, those that the family's specs give included. Nothing is looked
        up but whether variables are set, and nothing is checked."""
        family, alias = self.split(reference)
        assert self._document is not None, "a reference that split() lets through stands in a file"
        return list(fields_of(self._document, family, alias, self._known_rules(family), self._sources))

    def line(self, reference: str) -> int:
        """Where the connection stands in its file."""
        family, alias = self.split(reference)
        assert self._document is not None, "a reference that split() lets through stands in a file"
        return self._document.position("connections", family, alias, key=True)[0]

    def _secret_places(self, rules: Rules, reference: str) -> dict[str, str]:
        file = self.path.name if self.path is not None else ""
        return secret_places(self.fields(reference), rules, self._sources, file)

    def _is_default(self, family: str, alias: str) -> bool:
        choice = self.choice(family)
        return choice is not None and choice[0] == alias

    def _rules(self, family: str) -> Rules:
        try:
            return self._catalog.connection_rules(family)
        except NotFound as error:
            if self._document is None or family not in self._families:
                raise ConfigError(error.message, code=error.code, hint=error.hint) from error
            at = ("connections", family)
            raise self._document.error(error.message, *at, code=error.code, hint=error.hint, key=True) from error

    def _known_rules(self, family: str) -> Rules | None:
        """None when the family is unknown or broken: then every value of it counts as secret."""
        try:
            return self._rules(family)
        except OsirisError:
            return None

    def _folded(self, rules: Rules, family: str, alias: str) -> tuple[dict[str, Any], dict[str, str]]:
        """A connection's fields under their present names, and present to former names where they differ."""
        written = {name: value for name, value in self._families[family][alias].items() if name != "default"}
        former = {new: old for old, new in rules.aliases.items() if old in written and new not in written}
        present = {old: new for new, old in former.items()}
        return {present.get(name, name): deepcopy(value) for name, value in written.items()}, former

    def _error(self, family: str, reference: str | None, faults: tuple[Fault, ...]) -> ConfigError:
        first = faults[0]
        message, hint = first.message, first.hint
        if len(faults) > 1:
            message, hint = "; ".join(f.message + (f" ({f.hint})" if f.hint else "") for f in faults), None
        if reference is None or self._document is None:
            hint = hint or f"add a connection of {family} to {layout.FILE}"
            return ConfigError(message, code=first.code, hint=hint)
        alias = self.split(reference)[1]
        former = self._folded(self._rules(family), family, alias)[1]
        path = (former.get(str(first.path[0]), first.path[0]), *first.path[1:]) if first.path else ()
        at = ("connections", family, alias, *path)
        text = f"{reference}: {message}"
        return self._document.error(text, *at, code=first.code, hint=hint, key=first.code.endswith("unknown"))

    def _forbidden(self, family: str, overrides: Mapping[str, Any]) -> list[Fault]:
        """The fields that no component of the family lets a step replace; what one of them allows, `check` decides."""
        components = self._catalog.of_family(family)
        allowed = {f.name for c in components for f in c.connection_fields if f.override != "forbidden"}
        text = 'a step must not replace the field "{}" of its connection'
        return [
            Fault("config.schema", (name,), "connection.override", text.format(name))
            for name in overrides
            if name not in allowed
        ]

    def _choices(self, family: str) -> str:
        if self._document is None:
            return f"no {layout.FILE} was found in {self.root}, in a folder above it or in $OSIRIS_HOME"
        names = [f"@{family}.{alias}" for alias in self.aliases(family)]
        return f"connections of {family}: {', '.join(names) or 'none'}"


def _schema_faults(rules: Rules, values: dict[str, Any], filled: Filled) -> list[Fault]:
    return [
        Fault(
            "config.schema",
            problem.path,
            CODES[problem.code],
            redactor.text(problem.message),
            problem.hint,
        )
        for problem in check.problems(rules, values, elsewhere=filled.unknown)
    ]
