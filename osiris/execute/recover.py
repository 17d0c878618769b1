"""Settling a run that did not finish: every flow of it ends up either wholly committed or wholly undone."""

from __future__ import annotations

from osiris.errors import OsirisError
from osiris.execute.ending import Ending, NotCommitted
from osiris.execute.scene import Scene
from osiris.runs import FlowState
from osiris.stream import FirstError


class Settlement:
    """Settles every flow in the ledger of `scene`'s run, by its frozen manifest.

    A flow that was decided is rolled forward from its staging, unless nothing of it is committed nor can be: then, as
    for one that was not decided, all staging is removed. Runs in one thread; the other calls come from another.
    """

    id = "settle"

    def __init__(self, scene: Scene) -> None:
        self.first_error = FirstError()
        self._scene = scene
        self._ending: Ending | None = None

    def run(self) -> None:
        """Raises an OsirisError when a decided flow's target cannot be reached or does not know; the ledger then stays
        as it is, for the next try. Staging that cannot be removed is no error: it is left for the next run, too."""
        scene = self._scene
        try:
            for name, flow in scene.folder.state().flows.items():
                if not flow.done and (flow.planned or flow.decided is not None):
                    scene.request.progress.message = f"settling run {scene.folder.run_id}"
                    self._settle(name, flow)
        except BaseException:
            self.first_error.raise_if_any()
            raise
        finally:
            scene.request.progress.message = ""

    def cancel(self, error: OsirisError) -> None:
        self.first_error.note(error)

    @property
    def failing(self) -> bool:
        return self.first_error.happened.is_set()

    def interrupt(self) -> None:
        """What is settled already is in the ledger, so that nothing has to be waited for."""
        ending = self._ending
        if ending is not None:
            ending.interrupt()

    def abandon(self, error: OsirisError) -> None:
        self.cancel(error)
        self.interrupt()

    def _settle(self, name: str, flow: FlowState) -> None:
        scene = self._scene
        ending = self._ending = Ending(scene, name)
        try:
            for target in sorted({str(token.target) for token in flow.planned}):
                scene.leases.take(target, wait=scene.request.wait, proceed=self.first_error.raise_if_any)
            self.first_error.raise_if_any()
            if flow.decided is None:
                ending.undo()
                return
            try:
                ending.commit(flow.decided, {})
            except NotCommitted:
                ending.undo()
        finally:
            ending.close()
            scene.leases.close()
