"""Settling a run that did not finish: every flow of it ends up either wholly committed or wholly undone."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from osiris.compile.manifest import ManifestStep
from osiris.connectors.base import Token
from osiris.drivers.write import WriteDriver
from osiris.errors import WriteFailed
from osiris.execute.scene import Scene
from osiris.runs import Decision, FlowState
from osiris.stream import FirstError

log = logging.getLogger(__name__)


def settle(scene: Scene) -> dict[str, FlowState]:
    """Settle every flow in the ledger of `scene`'s run, by its frozen manifest; returns what is known of them now.

    A flow that was decided is rolled forward from its staging, unless nothing of it is committed and one of its writers
    cannot be committed again: then, as for one that was not decided, all staging is removed. Raises an OsirisError when a
    target cannot be reached or does not know; the ledger then stays as it is, for the next try.
    """
    steps = {step.id: step for step in scene.manifest.steps}
    flows = scene.folder.state().flows
    for name, flow in flows.items():
        if flow.done or not flow.planned:
            continue
        scene.request.progress.message = f"settling run {scene.folder.run_id}"
        for token in flow.planned:
            scene.leases.take(str(token.target), wait=scene.request.wait)
        if flow.decided is None or not _roll_forward(scene, name, flow, steps):
            _abort(scene, flow.planned, steps)
            scene.ledger.undone(name)
    return scene.folder.state().flows


def _roll_forward(scene: Scene, name: str, flow: FlowState, steps: dict[str, ManifestStep]) -> bool:
    """Commit what is decided and not yet committed; False when the flow has to be undone and redone instead."""
    assert flow.decided is not None, "only a decided flow is rolled forward"
    ordered = sorted(flow.decided, key=lambda decision: decision.token.durable)
    missing = [decision for decision in ordered if not _committed(scene, flow, decision, steps)]
    if len(missing) == len(ordered) and not all(decision.token.durable for decision in missing):
        return False
    for decision in ordered:
        step = steps[decision.token.step]
        if decision in missing:
            _driver(scene, step).recommit(decision.token, decision.parts, decision.state)
            log.info("%s: committed from the staging of run %s", step.id, scene.folder.run_id)
        if step.id not in flow.committed:
            scene.ledger.committed(name, step.id, sum(part.rows for part in decision.parts))
    decided = [decision.token for decision in ordered]
    for token in decided:
        _driver(scene, steps[token.step]).finish(token)
    _abort(scene, [token for token in flow.planned if token not in decided], steps)
    scene.ledger.done(name)
    return True


def _committed(scene: Scene, flow: FlowState, decision: Decision, steps: dict[str, ManifestStep]) -> bool:
    if decision.token.step in flow.committed:
        return True
    known = _driver(scene, steps[decision.token.step]).settle(decision.token, decision.parts)
    if known == "unknown":
        raise WriteFailed(
            f"{decision.token.target} does not say whether run {scene.folder.run_id} was committed",
            code="commit.unknown",
            hint="make the target reachable and run again",
        )
    return known == "committed"


def _abort(scene: Scene, tokens: Sequence[Token], steps: dict[str, ManifestStep]) -> None:
    for token in tokens:
        _driver(scene, steps[token.step]).abort(token)


def _driver(scene: Scene, step: ManifestStep) -> WriteDriver:
    return WriteDriver(scene.bind(step, scene.pool.group(), FirstError()))
