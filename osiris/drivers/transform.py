"""Driving a processor: which inputs it rescans, and its output stream."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from osiris.connectors.base import Batches, Processor
from osiris.drivers.bound import Bound


class TransformDriver:
    """A transform step over one processor instance."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._processor: Processor = bound.implementation(bound.options, bound.context.workspace)
        self._output: Batches | None = None

    def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        try:
            return self._processor.rescans(schemas)
        except Exception as error:
            raise self._processor.classify(error) from error

    def run(self, inputs: Mapping[str, Batches]) -> Batches:
        """Start the processor. Its errors, also those met while its output is read, are OsirisErrors; one that an input
        raised keeps the input's class, which C code would have lost."""
        first_error = self.bound.context.first_error
        try:
            output = self._output = self._processor.run(inputs)
        except Exception as error:
            first_error.raise_if_any()
            raise self._processor.classify(error) from error
        output.name = self.bound.context.step
        output.guard(first_error, self._processor.classify)
        return output

    def interrupt(self) -> None:
        self._processor.interrupt()

    def close(self) -> None:
        if self._output is not None:
            self._output.close()
