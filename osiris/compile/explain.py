"""`explain`: every value that a pipeline's steps get, and where it comes from; nothing is opened or resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

from osiris.compile.explained import Explained, ExplainedConnection, ExplainedParam, ExplainedStep, Item, Setting, Use
from osiris.compile.issues import Path
from osiris.compile.manifest import ManifestStep
from osiris.compile.parse import Draft
from osiris.compile.plan import Pipeline, flows
from osiris.compile.templates import REFERENCE, placeholder
from osiris.components.component import Component, defaults
from osiris.connections import Connections, Field, masking
from osiris.secrets import MASK

BESIDE_CONFIG = ("columns", "retry", "timeout")


def explain(pipeline: Pipeline, connections: Connections) -> Explained:
    """Put together what the checker and the connections know. Looks up no variable but for whether it is set."""
    order = flows(pipeline.steps)
    steps = {step.id: step for step in pipeline.steps}
    asked = _Asked(cache(connections.fields), cache(partial(_uses_at, pipeline)))
    return Explained(
        name=pipeline.name,
        file=pipeline.document.name,
        profile=pipeline.profile,
        params=tuple(_param(pipeline, name) for name in pipeline.declared),
        steps=tuple(
            _StepExplainer.of(pipeline, connections, asked, steps[step]).explain(number)
            for number, ids in enumerate(order, 1)
            for step in ids
        ),
    )


def _param(pipeline: Pipeline, name: str) -> ExplainedParam:
    param, origin = pipeline.declared[name], pipeline.origins[name]
    path: Path = ("params", name)
    if origin == "profile":
        path = ("profiles", pipeline.profile, "params", name)
    line, _ = pipeline.document.position(*path, key=True)
    value = None if param.secret else _hidden(pipeline.params.get(name))
    return ExplainedParam(name, param.type, value, param.secret, origin, param.variable, line)


def _uses_at(pipeline: Pipeline, path: Path) -> tuple[Use, ...]:
    """The references in the part of the file at `path`, each once, and where their values come from."""
    part: Any = pipeline.document.value
    for key in path:
        if part is None:
            return ()
        part = part.get(key) if isinstance(part, Mapping) else part[key]
    names = dict.fromkeys(name.strip() for name in _references(part))
    return tuple(Use(name, pipeline.origins.get(name.removeprefix("params."), "item")) for name in names)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is the same for many steps (copies of one, or with one connection), each looked up once."""

    fields: Callable[[str], list[Field]]
    uses: Callable[[Path], tuple[Use, ...]]


@dataclass(frozen=True, slots=True)
class _StepExplainer:
    """One step: as compiled, as it stands in the file, and `written`, its mapping there."""

    pipeline: Pipeline
    connections: Connections
    asked: _Asked
    step: ManifestStep
    draft: Draft
    component: Component
    written: Mapping[str, Any]
    former: Mapping[str, str]

    @classmethod
    def of(cls, pipeline: Pipeline, connections: Connections, asked: _Asked, step: ManifestStep) -> _StepExplainer:
        draft, component = pipeline.drafts[step.id], pipeline.components[step.component]
        former = {new: old for old, new in component.fold_aliases(draft.config)[1]}
        written = pipeline.content["steps"][draft.path[-1]]
        return cls(pipeline, connections, asked, step, draft, component, written, former)

    def explain(self, flow: int) -> ExplainedStep:
        step, draft = self.step, self.draft
        wired = next((key for key in ("inputs", "needs") if self.written.get(key) is not None), None)
        connection = self._connection(step.connection) if step.connection is not None else None
        loose = self._fields_without_connection() if connection is None else ()
        return ExplainedStep(
            step=step,
            component=self.component,
            flow=flow,
            line=self._line(),
            wired=(wired or "previous_step") if step.inputs or step.after else None,
            wired_line=self._line(wired) if wired is not None else None,
            item=self._item(draft.copy) if draft.copy is not None else None,
            connection=connection,
            options=(*loose, *self._options()),
            settings=tuple(self._beside_config()),
        )

    def _item(self, place: int) -> Item:
        items = self.draft.items
        return Item(_hidden(items[place]), place + 1, len(items), self._line("for_each"), self._uses("for_each"))

    def _connection(self, reference: str) -> ExplainedConnection:
        given = self._config.get("connection")
        choice = self.connections.choice(self.component.family)
        fields = {field.name: field for field in self.asked.fields(reference)}
        settings = [self._override(name, value, fields.get(name)) for name, value in self.step.overrides.items()]
        settings += [self._field(field) for name, field in fields.items() if name not in self.step.overrides]
        return ExplainedConnection(
            reference=reference,
            why="named" if given is not None or choice is None else choice[1],
            named_line=self._line("config", "connection") if given is not None else None,
            uses=self._uses("config", "connection"),
            file=str(self.connections.path),
            line=self.connections.line(reference),
            fields=tuple(settings),
        )

    def _field(self, field: Field) -> Setting:
        is_default = field.origin == "default"
        return Setting(
            field.name,
            field.value,
            "default" if is_default else "connection",
            file=None if is_default else str(self.connections.path),
            line=field.line,
            written=field.written if field.written != field.name else None,
            variables=field.variables,
            unset=field.unset,
        )

    def _override(self, name: str, value: Any, field: Field | None) -> Setting:
        there = field is not None and field.origin != "default"
        return self._given(name, value, origin="override", replaces=field.value if there and field else None)

    def _fields_without_connection(self) -> tuple[Setting, ...]:
        given = [self._given(name, value) for name, value in self.step.overrides.items()]
        left = self.component.connection_names - set(self.step.overrides)
        fill = defaults(self.component.config_schema, left)
        return (*given, *(Setting(name, value, "default") for name, value in fill.items()))

    def _options(self) -> Iterator[Setting]:
        """Those that the step sets, in its order, then the defaults of the spec."""
        places = {key: place for place, key in enumerate(self.draft.config)}
        options = self.step.options
        given = [name for name in options if self.former.get(name, name) in places]
        for name in sorted(given, key=lambda name: places[self.former.get(name, name)]):
            yield self._given(name, options[name])
        yield from (Setting(name, value, "default") for name, value in options.items() if name not in given)

    def _given(self, name: str, value: Any, **more: Any) -> Setting:
        """A key of the step's `config`."""
        written = self.former.get(name, name)
        return Setting(
            name,
            self._masked(value, (name,)),
            **{"origin": "pipeline", **more},
            file=self.pipeline.document.name,
            line=self._line("config", written),
            uses=self._uses("config", written),
            written=written if written != name else None,
        )

    def _beside_config(self) -> Iterator[Setting]:
        step = self.step
        values: dict[str, Any] = {
            "columns": [
                {"from": each.source, "to": each.target, **({"type": each.type} if each.type else {})}
                for each in step.columns
            ],
            "retry": asdict(step.retry),
            "timeout": step.timeout_s,
        }
        for name in BESIDE_CONFIG:
            if self.written.get(name) is not None:
                value, file = _hidden(values[name]), self.pipeline.document.name
                yield Setting(name, value, "pipeline", file, self._line(name), self._uses(name))

    def _uses(self, *path: str) -> tuple[Use, ...]:
        return self.asked.uses((*self.draft.path, *path))

    def _masked(self, value: Any, path: Path) -> Any:
        """What the spec declares secret, masked; a secret param in it stays, as its name."""
        if isinstance(value, Mapping):
            return {key: self._masked(part, (*path, key)) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(part, (*path, place)) for place, part in enumerate(value)]
        if not self.component.is_secret(*path) or value is None or isinstance(value, bool):
            return _hidden(value)
        named = [placeholder(name) for name in self.pipeline.secret_params if placeholder(name) in str(value)]
        return value if value in named else MASK.join(["", *named, ""]) if named else MASK

    @property
    def _config(self) -> Mapping[str, Any]:
        return self.written.get("config") or {}

    def _line(self, *path: str) -> int:
        return self.pipeline.document.position(*self.draft.path, *path, key=True)[0]


def _references(value: Any) -> Iterator[str]:
    """What stands in `${...}` in all texts of plain data."""
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _references(part)
    elif isinstance(value, str):
        yield from (found[1] for found in REFERENCE.finditer(value) if found[1] is not None)


def _hidden(value: Any) -> Any:
    """Plain data, the passwords of URLs in it masked."""
    if isinstance(value, Mapping):
        return {key: _hidden(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(part) for part in value]
    return masking.hidden(value) if isinstance(value, str) else value
