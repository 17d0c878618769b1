"""Tests of options: each one that a spec declares is read by some code, and changes something."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa

from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.processor import Use
from osiris.testing.rig import Rig, Rigs, raised
from osiris.testing.subject import Change, Subject
from osiris.testing.writer import look


class OptionTests:
    """LESSONS 13: nine declared options were read by no one. `changes` of the subject has another value for each; a
    use with it and one without have to differ in what comes out, be it an error."""

    plain: ClassVar[dict[str, Any]]
    """What came of uses without a change, by role and what else was set: what tests of options compare with."""

    @needs()
    def test_each_option_is_read_and_changes_something(self, rigs: Rigs, option: tuple[str, str]) -> None:
        role, name = option
        rig = rigs("changed-0")
        for number, change in enumerate(changes_of(rig.subject, role, name)):
            rig = rigs(f"changed-{number}") if number else rig
            changed = _observed(rig, role, name, change, is_changed=True)
            if name not in rig.component(_about(rig.subject, role).component).connection_names:
                assert name in rig.reads, f"{role}: the option {name!r} is declared, and no code reads it"
            if not change.unseen:
                key = f"{role} {change.others!r}"
                if key not in self.plain:
                    self.plain[key] = _observed(rigs(f"plain-{number}"), role, name, change, is_changed=False)
                message = f"{role}: {name}: {change.value!r} changes nothing that can be observed"
                assert changed != self.plain[key], message


def changes_of(subject: Subject, role: str, name: str) -> tuple[Change, ...]:
    """What the subject says of the property; `limit` and `write_mode` mean the same for all."""
    about = _about(subject, role)
    known: dict[str, Any] = {"limit": 1, **subject.changes, **about.changes}
    if role == "writer" and name == "write_mode":
        known.setdefault(name, Change("replace", {"write_mode": "append"}))
    assert name in known, f"the subject has to say another value for {name!r}: {type(about).__name__}(changes=...)"
    found = known[name] if isinstance(known[name], tuple) else (known[name],)
    return tuple(one if isinstance(one, Change) else Change(one) for one in found)


def _about(subject: Subject, role: str) -> Any:
    return {"extractor": subject.reading, "writer": subject.writing, "processor": subject.processing}[role]


def _observed(rig: Rig, role: str, name: str, change: Change, *, is_changed: bool) -> Any:
    """Everything that comes of a use of the component, as plain data."""
    about = _about(rig.subject, role)
    given = {**about.options, **change.others}
    if is_changed:
        given = {key: value for key, value in given.items() if key not in change.remove} | {name: change.value}
    fields = rig.component(about.component).connection_names
    rig.changed |= {key: value for key, value in given.items() if key in fields}
    options = {key: value for key, value in given.items() if key not in fields}
    try:
        return _USES[role](rig, about.component, options)
    finally:
        rig.close()


def _read(rig: Rig, component: str, options: dict[str, Any]) -> Any:
    found = rig.read(component, options, wanted=2)
    outputs = sorted((path.name, path.read_bytes()) for path in (rig.folder / "output").glob("*"))
    return found.seen(), _told(rig, found.error), outputs


def _write(rig: Rig, component: str, options: dict[str, Any]) -> Any:
    """Three writes: to no target, to the one that is there, with ids and names that it has, and with a column more."""
    first, more = shapes.rows(0, 3), shapes.rows(4, 1).append_column("extra", pa.array(["more"]))
    names = [first["name"][0].as_py(), "new"]
    second = pa.record_batch([pa.array([1, 3], pa.int64()), pa.array(names)], schema=shapes.SCHEMA)
    seen: list[Any] = []
    error = raised(lambda: seen.append(rig.instance(component, options).token(shapes.SCHEMA, rig.run()).durable))
    seen.append(_told(rig, error))
    for batch in (first, second, more):
        error = raised(lambda batch=batch: rig.write(component, options, [batch], batch.schema))  # type: ignore[misc]
        rig.close()
        assert rig.subject.writing is not None
        seen.append((_told(rig, error), look(rig), rig.subject.writing.observe()))
    return seen


def _process(rig: Rig, _component: str, options: dict[str, Any]) -> Any:
    found = Use(rig, options).run()
    return found.seen(), _told(rig, found.error)


def _told(rig: Rig, error: Exception | None) -> tuple[str, str] | None:
    """An error by class and code: its text may name a folder that differs anyway."""
    if error is None:
        return None
    known = rig.client_class.classify(error)
    return type(known).__name__, known.code


_USES = {"extractor": _read, "writer": _write, "processor": _process}
