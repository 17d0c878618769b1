"""How a flow ends: wholly committed or wholly undone, in the run that staged it or in a later one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from osiris.connectors.base import Part, State, Token, Written
from osiris.drivers.write import WriteDriver
from osiris.errors import InternalError, OsirisError, WriteFailed
from osiris.events import about
from osiris.execute.scene import Scene, naming
from osiris.runs import Decision
from osiris.stream import FirstError

log = logging.getLogger(__name__)
TAKING_BACK = "the commit is taken back: the target is asked what came of it"
FOLLOWING = "a writer of the flow has committed, so the others follow before the run stops"


class NotCommitted(Exception):
    """Nothing of a decided flow is committed, and its first writer `step` cannot be: undo it. `reason` is what stood in
    the way, None when what was staged died with its process."""

    def __init__(self, step: str, reason: OsirisError | None) -> None:
        super().__init__(step, reason)
        self.step = step
        self.reason = reason


class Ending:
    """Ends one flow, through clients of its own: those that staged it may have been interrupted.

    Both ways can be cut off at any point and gone again, by this process or the next: the ledger knows how far it came.
    """

    def __init__(self, scene: Scene, flow: str) -> None:
        self._scene = scene
        self._flow = flow
        self._steps = {step.id: step for step in scene.manifest.steps}
        self._clients = scene.pool.group()
        self._at_stake: WriteDriver | None = None
        self._visible = False

    def commit(self, decisions: Sequence[Decision], live: Mapping[str, WriteDriver]) -> dict[str, Written]:
        """Commit every writer that is not committed yet, then remove all staging. Returns what was committed now.

        The one writer whose staging is not durable comes first. `live` are the drivers that staged the rows, if this is
        their process. Nothing is undone here: raises NotCommitted when the caller has to, any other OsirisError when
        this flow can only go forward, later.
        """
        known = self._scene.folder.state().flows[self._flow]
        committed = set(known.committed)
        written: dict[str, Written] = {}
        for decision in sorted(decisions, key=lambda decision: decision.token.durable):
            step = decision.token.step
            if step in committed:
                continue
            self._visible = bool(committed)
            self._at_stake = None if committed else live.get(step)
            with naming(step), self._scene.waiting(step, f"{decision.token.target} to commit"):
                written[step] = self._commit(decision, live.get(step), first=not committed)
            self._scene.ledger.committed(self._flow, step, _rows(decision.parts))
            committed.add(step)
        self._at_stake = None
        for driver in live.values():
            driver.close()
        self._remove_staging(known.planned, [decision.token for decision in known.decided or ()])
        self._scene.ledger.done(self._flow)
        return written

    def undo(self) -> bool:
        """Remove the staging of all attempts. False when some stays: the ledger keeps it for the next run."""
        flow = self._scene.folder.state().flows.get(self._flow)
        if flow is None or not flow.planned:
            return True
        try:
            if flow.decided is not None:
                self._scene.ledger.undoing(self._flow)
            left = [token for token in flow.planned if not self._abort(token)]
            if not left:
                self._scene.ledger.undone(self._flow)
        except OSError as error:
            log.warning("the ledger cannot be written, the next run will undo again: %s", error)
            return False
        return not left

    def recall(self) -> str:
        """From another thread: end the first commit where it is, as in a wait for somebody's lock; may be repeated.
        What came of it the target is asked then. Returns what the run waits for, as far as that is known."""
        driver = self._at_stake
        if driver is not None:
            driver.interrupt()
            return TAKING_BACK
        return FOLLOWING if self._visible else ""

    def interrupt(self) -> None:
        """From another thread: give up; the next run goes on."""
        self._clients.interrupt()

    def close(self) -> None:
        self._clients.close()

    def _commit(self, decision: Decision, live: WriteDriver | None, *, first: bool) -> Written:
        """Commit through the staging instance, else from the staging alone; an answer that is lost is asked for."""
        token, parts, state = decision.token, decision.parts, decision.state
        problem: OsirisError | None = None
        if live is not None:
            try:
                return live.commit(token, parts, state)
            except OsirisError as error:
                live.close()
                problem = error
        if self._is_committed(decision, problem):
            return Written(_rows(parts))
        if token.durable and not (live is not None and first):
            try:
                return self._recommit(token, parts, state)
            except OsirisError as error:
                problem = error
            if self._is_committed(decision, problem):
                return Written(_rows(parts))
        if first:
            raise NotCommitted(token.step, problem)
        problem = problem or InternalError(
            f"{token.target}: its staging is gone, but other writers of its flow committed"
        )
        problem.hint = self._hint_to_follow()
        raise problem

    def _hint_to_follow(self) -> str:
        done = ", ".join(self._scene.folder.state().flows[self._flow].committed)
        return (
            f"{done} has committed, so this step can only follow: undo what is in its way and run again; to give the "
            f"rest of this run up instead, remove {self._scene.folder.path}"
        )

    def _recommit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        written = self._driver(token.step).recommit(token, parts, state)
        log.info("%s: committed from the staging of run %s", token.step, token.run_id)
        return written

    def _is_committed(self, decision: Decision, problem: OsirisError | None) -> bool:
        """Ask the target itself."""
        target = decision.token.target
        hint = (
            "make the target reachable and run again: it asks the target before it does anything else; "
            f"to give this run up instead, remove {self._scene.folder.path}"
        )
        try:
            known = self._driver(decision.token.step).settle(decision.token, decision.parts)
        except OsirisError as error:
            error.hint = f"whether the rows are in {target} is not known yet; {hint}"
            raise
        if known == "unknown":
            reason = f": {problem}" if problem else ""
            text = f"{target} does not say whether the rows of run {decision.token.run_id} were committed{reason}"
            raise WriteFailed(text, code="commit.unknown", hint=hint) from problem
        if known == "committed" and problem is not None:
            log.warning("%s: the commit failed (%s), but the target has it", decision.token.step, problem)
        return known == "committed"

    def _remove_staging(self, planned: Sequence[Token], decided: Sequence[Token]) -> None:
        """That of the decided attempt, and what earlier ones could not remove."""
        for token in decided:
            with naming(token.step):
                self._driver(token.step).finish(token)
        for token in planned:
            if token not in decided:
                with naming(token.step):
                    self._driver(token.step).abort(token)

    def _abort(self, token: Token) -> bool:
        with about(token.step):
            try:
                self._driver(token.step).abort(token)
            except OsirisError as error:
                log.warning("%s: staging could not be removed, the next run will: %s", token.step, error)
                return False
        return True

    def _driver(self, step: str) -> WriteDriver:
        return WriteDriver(self._scene.bind(self._steps[step], self._clients, FirstError()))


def _rows(parts: Sequence[Part]) -> int:
    return sum(part.rows for part in parts)
