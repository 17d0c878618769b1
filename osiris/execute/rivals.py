"""Steps of one run that write to one target: none of them may replace another's rows unasked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from osiris.compile.manifest import ManifestStep
from osiris.errors import ConfigError


def check(step: ManifestStep, target: str, others: Iterable[str], steps: Sequence[ManifestStep]) -> None:
    """Raise ConfigError when `step` would replace what one of the writers `others` of this run has put into `target`.

    Each would report all its rows as written, and those of one are gone. Where the pipeline says that the step comes
    after that writer, this is what is wanted: a table that is read, worked on and put back.
    """
    if step.options.get("write_mode") != "replace":
        return
    unordered = sorted(set(others) - _before(step, steps))
    if unordered:
        raise ConfigError(
            f"it would replace {target}, into which the step {unordered[0]!r} of this run writes",
            code="run.two_writers",
            hint="give each a target of its own; if it is meant, let a step above it need that one",
        )


def _before(step: ManifestStep, steps: Sequence[ManifestStep]) -> set[str]:
    by_id = {each.id: each for each in steps}
    found, waiting = set[str](), [*step.inputs, *step.after]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [*by_id[name].inputs, *by_id[name].after]
    return found
