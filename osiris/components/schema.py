"""`Written`: the JSON Schema of what a person may write by some rules, `${...}` and former names included."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osiris.components.rules import CONSTRAINTS, Rules

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLACEHOLDER: Schema = {"type": "string", "pattern": r"\$\{"}
"""A text whose value is known later, and may be of any type then."""
_NO_LITERAL: Schema = {"type": "string", "pattern": r"^$|\$\{"}
_TELLING = ("title", "description", "default")
_NARROW = ("enum", "const", "pattern", "format", "maxLength", "$ref", "allOf", "not", "if")


@dataclass(frozen=True, slots=True)
class Written:
    """What may be written in one place.

    `elsewhere` names properties that may be set in another place, so that they are never missing here. A `secret` may
    stand here as text, or only as a placeholder. `at` is the JSON Pointer of the schema in the document that holds it.
    """

    rules: Rules
    elsewhere: Collection[str] = ()
    inline_secrets: bool = True
    at: str = "#"

    def schema(self) -> Schema:
        """An object's schema; placeholders are accepted wherever the rules want something else than any text."""
        rules = self.rules
        properties = {name: self._property(part, (name,)) for name, part in rules.schema["properties"].items()}
        needed = [name for name in rules.schema.get("required", ()) if name not in self.elsewhere]
        plain = [name for name in needed if name not in rules.aliases.values()]
        conditions = [self._given(name) for name in needed if name not in plain]
        conditions += [self._alone(names) for names in map(self._names, dict.fromkeys(rules.aliases.values()))]
        conditions += [part for constraint in rules.constraints for part in self._constraint(constraint)]
        definitions: Schema = {name: self._open(part) for name, part in rules.schema.get("$defs", {}).items()}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": properties | {old: _former(properties[new], old, new) for old, new in rules.aliases.items()},
            **({"required": plain} if plain else {}),
            **({"allOf": conditions} if conditions else {}),
            **({"$defs": definitions} if definitions else {}),
        }

    def _property(self, part: Mapping[str, Any], path: tuple[str, ...]) -> Schema:
        said = {key: part[key] for key in _TELLING if key in part}
        opened: Schema = self._open({key: value for key, value in part.items() if key not in said}, path)
        if self.rules.is_secret(path):
            said["description"] = f"{said.get('description', '')} A secret: write ${{...}}, not the value.".strip()
            if not self.inline_secrets and not {"object", "array"} & _types(part):
                opened = _NO_LITERAL
        return said | opened

    def _open(self, part: Any, path: tuple[str, ...] = ()) -> Any:
        """`part` with placeholders accepted, in it and in the parts of it."""
        if not isinstance(part, Mapping):
            return part
        inside = self._inside(part, path)
        return inside if _takes_any_text(part) else {"anyOf": [inside, PLACEHOLDER]}

    def _inside(self, part: Mapping[str, Any], path: tuple[str, ...]) -> Schema:
        """As `_open`, but for `part` itself: the branches of a choice must stay apart."""
        found: Schema = {}
        for key, value in part.items():
            if key == "$ref":
                found[key] = self.at + value.removeprefix("#")
            elif key == "properties":
                found[key] = {name: self._property(below, (*path, name)) for name, below in value.items()}
            elif key in ("items", "additionalProperties"):
                found[key] = self._open(value, path)
            elif key in ("allOf", "anyOf", "oneOf"):
                found[key] = [self._inside(below, path) for below in value]
            else:
                found[key] = value
        return found

    def _names(self, name: str) -> list[str]:
        """A property's name and its former ones."""
        return [name, *(old for old, new in self.rules.aliases.items() if new == name)]

    def _alone(self, names: Sequence[str]) -> Schema:
        """That of the names of one property only one is used."""
        pairs = [(name, dict.fromkeys(names[place + 1 :], False)) for place, name in enumerate(names[:-1])]
        return {"allOf": [{"if": {"required": [name]}, "then": {"properties": others}} for name, others in pairs]}

    def _given(self, name: str) -> Schema:
        """That a property is set, under whichever name."""
        return {"anyOf": [{"required": [each]} for each in self._names(name)]}

    def _constraint(self, constraint: Mapping[str, Any]) -> Iterator[Schema]:
        if "when" in constraint:
            yield {"if": self._case(constraint["when"]), "then": self._consequence(constraint)}
            return
        kind = next(name for name in CONSTRAINTS if name in constraint)
        names: Sequence[str] = constraint[kind]
        given = [self._given(name) for name in names]
        ours = [self._given(name) for name in names if name not in self.elsewhere]
        if kind == "all_or_none":
            yield {"if": {"anyOf": given}, "then": {"allOf": ours}}
        elif kind == "exactly_one_of" and len(ours) == len(given):
            yield {"oneOf": given}
        else:
            yield {"oneOf": [*given, {"not": {"anyOf": given}}]}

    def _case(self, when: Mapping[str, Any]) -> Schema:
        properties = self.rules.schema["properties"]
        sure = [name for name in when if name in self.elsewhere or properties[name].get("default") != when[name]]
        return {"required": sure, "properties": {name: {"const": value} for name, value in when.items()}}

    def _consequence(self, constraint: Mapping[str, Any]) -> Schema:
        needed = [self._given(name) for name in constraint.get("require", ()) if name not in self.elsewhere]
        unwanted = [each for name in constraint.get("forbid", ()) for each in self._names(name)]
        return {**({"allOf": needed} if needed else {}), "properties": dict.fromkeys(unwanted, False)}


def _former(part: Mapping[str, Any], old: str, new: str) -> Schema:
    """The same property under a former name; editors strike it out, some of them by the second key."""
    return {**part, "deprecated": True, "deprecationMessage": f"{old} is now called {new}"}


def _takes_any_text(part: Mapping[str, Any]) -> bool:
    """Whether a placeholder is fine as it stands."""
    if any(key in part for key in _NARROW) or part.get("minLength", 0) > len("${x}"):
        return False
    branches = [*part.get("anyOf", ()), *part.get("oneOf", ())]
    if branches and not any(_takes_any_text(branch) for branch in branches):
        return False
    return not _types(part) or "string" in _types(part)


def _types(part: Mapping[str, Any]) -> set[str]:
    kinds = part.get("type", ())
    return {kinds} if isinstance(kinds, str) else set(kinds)
