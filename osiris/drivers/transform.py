"""Driving a processor: which inputs it rescans, and its output stream."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pyarrow as pa

from osiris.connectors.base import Batches, Processor
from osiris.drivers.bound import Bound, classifying
from osiris.errors import OsirisError
from osiris.secrets import redactor

log = logging.getLogger(__name__)


class TransformDriver:
    """A transform step over one processor instance."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._processor: Processor = bound.implementation(bound.options, bound.context.workspace)
        self._output: Batches | None = None

    def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        with classifying(self._processor.classify):
            return self._processor.rescans(schemas)

    def schema(self, inputs: Mapping[str, pa.Schema]) -> pa.Schema | None:
        """The columns that it would give, None where they are known only when it runs."""
        with classifying(self._processor.classify):
            return self._processor.schema(inputs)

    def run(self, inputs: Mapping[str, Batches]) -> Batches:
        """Start the processor. Its errors, also those met while its output is read, are OsirisErrors; one that an input
        raised keeps the input's class, which C code would have lost."""
        first_error = self.bound.context.first_error
        with classifying(self._processor.classify):
            try:
                output = self._output = self._processor.run(inputs)
            except Exception:
                first_error.raise_if_any()
                raise
        output.name = self.bound.context.step
        output.guard(first_error, self._classify)
        return output

    def _classify(self, error: Exception) -> OsirisError:
        known = self._processor.classify(error)
        known.step = known.step or self.bound.context.step
        return known

    def interrupt(self) -> None:
        """As `Processor.interrupt`; a failure to do so must not end the thread that watches over the run."""
        try:
            self._processor.interrupt()
        except Exception as error:  # noqa: BLE001 - a foreign library may fail in any way while another thread uses it
            log.debug("interrupting %s: %s", self.bound.context.step, redactor.text(str(error)))

    def close(self) -> None:
        """Free what the processor holds; idempotent. A failure to do so changes nothing for the rows that it gave."""
        if self._output is None:
            return
        try:
            self._output.close()
        except Exception as error:  # noqa: BLE001 - a foreign library may fail in any way while it closes
            log.warning("closing %s: %s", self.bound.context.step, redactor.text(str(error)))
