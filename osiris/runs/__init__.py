"""The memory of runs: ledger, folder, report."""

from osiris.runs.folder import RunFolder, RunSummary, create, find, get, summaries, unfinished
from osiris.runs.ledger import Decision, FlowState, Ledger, RunState
from osiris.runs.report import Edge, Report, StepPlan, StepReport, peak_memory_mb

__all__ = [
    "Decision",
    "Edge",
    "FlowState",
    "Ledger",
    "Report",
    "RunFolder",
    "RunState",
    "RunSummary",
    "StepPlan",
    "StepReport",
    "create",
    "find",
    "get",
    "peak_memory_mb",
    "summaries",
    "unfinished",
]
