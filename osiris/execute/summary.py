"""From flows that ran to the report's steps and edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from osiris.compile.manifest import ManifestStep
from osiris.connectors.base import Batches, Part
from osiris.errors import Cancelled, OsirisError
from osiris.execute.base import StepProgress
from osiris.execute.flow import Flow, Writing
from osiris.runs import Edge, FlowState, StepReport

STOPPED = "consumer_stopped"
"""The stop reason of a stream whose consumer wanted no more of it (a processor's LIMIT)."""


def steps_of(flow: Flow) -> dict[str, StepReport]:
    """A committed flow's steps."""
    writings = {writing.step.id: writing for writing in flow.writings}
    return {
        step.id: _writer(flow, writings[step.id]) if step.id in writings else _source(flow, step)
        for step in flow.steps.values()
    }


def edges_of(flow: Flow) -> list[Edge]:
    return [
        Edge(source, target, stream.rows, _stop_reason(stream))
        for (source, target), stream in flow.opened.edges.items()
    ]


def steps_before(state: FlowState, steps: Mapping[str, ManifestStep]) -> dict[str, StepReport]:
    """The writers of a flow that an earlier process committed, from what the ledger kept."""
    found = {}
    for decision in state.decided or ():
        step = steps[decision.token.step]
        taken = _counted(decision.parts)
        note = ("committed by an earlier attempt of this run",)
        found[step.id] = StepReport(step.id, step.component, "success", *taken, notes=note)
    return found


def failed(
    flow: list[ManifestStep],
    error: OsirisError,
    duration_s: float,
    progress: Mapping[str, StepProgress],
    committed: Mapping[str, int],
) -> dict[str, StepReport]:
    """A flow that did not come to its end: one step failed, the others went with it. They tell what they read until
    then, and wrote what is `committed`, mostly nothing: what a processor gave went nowhere."""
    found = {}
    for step in flow:
        seen, written = progress[step.id], committed.get(step.id, 0)
        taken = seen.rows_taken if step.mode == "transform" else seen.rows
        status = blame(step.id, error)
        found[step.id] = StepReport(step.id, step.component, status, taken, written, duration_s=duration_s)
    return found


def blame(step: str, error: OsirisError) -> Literal["failure", "cancelled"]:
    """What became of a step of a flow that ended with `error`."""
    return "failure" if step == error.step and not isinstance(error, Cancelled) else "cancelled"


def outcome(error: OsirisError | None) -> Literal["success", "failure", "cancelled"]:
    if error is None:
        return "success"
    return "cancelled" if isinstance(error, Cancelled) else "failure"


def _source(flow: Flow, step: ManifestStep) -> StepReport:
    output = flow.opened.outputs[step.id]
    counts = dict(output.end.counts) if output.end else {}
    taken = sum(flow.opened.edges[name, step.id].rows for name in step.inputs)
    reads = step.mode == "read"
    return StepReport(
        step.id,
        step.component,
        "success",
        rows_read=output.rows if reads else taken,
        rows_written=0 if reads else output.rows,
        rows_rejected=counts.get("rejected", 0),
        stop_reason=_stop_reason(output),
        duration_s=flow.duration_s,
        counts=counts,
        datasets=flow.opened.datasets.get(step.id, ()),
    )


def _writer(flow: Flow, writing: Writing) -> StepReport:
    target = writing.token.target
    return StepReport(
        writing.step.id,
        writing.step.component,
        "success",
        *_counted(writing.parts),
        stop_reason=_stop_reason(writing.stream),
        duration_s=flow.duration_s,
        datasets=({"namespace": target.namespace, "name": target.name},),
        notes=writing.notes,
    )


def _counted(parts: list[Part] | tuple[Part, ...]) -> tuple[int, int, int, int]:
    """(read, written, rejected, superseded) over all parts."""
    rows = sum(part.rows for part in parts)
    rejected = sum(part.rejected for part in parts)
    superseded = sum(part.superseded for part in parts)
    return rows + rejected + superseded, rows, rejected, superseded


def _stop_reason(stream: Batches) -> str:
    return stream.end.stop_reason if stream.end is not None else STOPPED
