"""The memory of runs: ledger, folder, log, report."""

from osiris.runs.folder import RunFolder, RunSummary, create, find, get, newest_first, summaries, unfinished
from osiris.runs.ledger import Decision, FlowState, Ledger, RunState
from osiris.runs.log import Entry as LogEntry
from osiris.runs.log import RunLog
from osiris.runs.report import Edge, Report, StepPlan, StepReport, peak_memory_mb

__all__ = [
    "Decision",
    "Edge",
    "FlowState",
    "Ledger",
    "LogEntry",
    "Report",
    "RunFolder",
    "RunLog",
    "RunState",
    "RunSummary",
    "StepPlan",
    "StepReport",
    "create",
    "find",
    "get",
    "newest_first",
    "peak_memory_mb",
    "summaries",
    "unfinished",
]
