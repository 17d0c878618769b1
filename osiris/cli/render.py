"""Shows things to people (text, tables, progress) and to programs (one JSON document): the only module that prints."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, Protocol

from osiris.cli import pages
from osiris.cli.pages import page, visible
from osiris.cli.rows import wrapped
from osiris.cli.tables import fitted_table, live_table, plain_table
from osiris.errors import OsirisError
from osiris.secrets import RedactingFilter, redactor

REFRESH_S = 0.2
PARAGRAPH_WIDTH = 100
TERMINAL_WIDTH = 80
UNBROKEN = 100_000
"""Where nothing says otherwise."""
COLOURS = {
    "error": "31;1",
    "warning": "33;1",
    "hint": "36",
    "success": "32",
    "failure": "31",
    "head": "1",
    "debug": "2",
}


class View(Protocol):
    """Something that changes while it is shown."""

    def notes(self) -> list[str]:
        """What is worth a line in any case and is new since the last call."""

    def lines(self) -> list[str]:
        """What else is new since the last call, for those who do not see the table."""

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """Headings and rows, as of now."""


@dataclass(slots=True)
class Output:
    """Where a verb puts what it found.

    With `json` only `document` writes to stdout, without it only the others do; so a verb calls both and asks nothing.
    Everything is redacted here, once more, whatever its origin.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def width(self) -> int:
        """How many columns a line may have: those of the terminal, or of $COLUMNS, else 80."""
        return _width(sys.stdout)

    @property
    def draws(self) -> bool:
        """Whether stdout shows more than ASCII."""
        return "utf" in (sys.stdout.encoding or "").lower()

    def document(self, data: Any) -> None:
        """The one JSON document of this call."""
        if not self.json:
            return
        ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
        text = json.dumps(redactor.leaves(data), indent=2, ensure_ascii=ascii_only, default=str)
        sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def line(self, text: str = "", style: str | None = None) -> None:
        """A line of the result."""
        if not self.json:
            _put(sys.stdout, visible(redactor.text(text)), style)

    def paragraph(self, text: str) -> None:
        """Running text, broken where the terminal ends."""
        import textwrap

        for part in textwrap.wrap(" ".join(text.split()), min(PARAGRAPH_WIDTH, self.width)):
            self.line(part)

    def sentence(self, text: str, style: str | None = None, below: str = "  ") -> None:
        """A line that a terminal breaks between words, what is left over behind `below`; whole in a pipe."""
        for part in wrapped(text, below, _width(sys.stdout, UNBROKEN)):
            self.line(part, style)

    def done(self, text: str) -> None:
        """What was achieved, for those who like to read it."""
        if not self.quiet:
            self.line(text)

    def note(self, text: str, style: str | None = None) -> None:
        """A message beside the result, on stderr."""
        if not self.quiet:
            _put(sys.stderr, visible(redactor.text(text)), style)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
        """Rows under headings; those named in `right` are numbers. Fitted to a terminal, never cut in a pipe."""
        if self.json:
            return
        cells = [[_cell(value) for value in row] for row in rows]
        if sys.stdout.isatty():
            _rich_console(sys.stdout).print(fitted_table(columns, cells, right, self.width))
        else:
            sys.stdout.write(plain_table(columns, cells, right))

    def errors(self, *errors: OsirisError, kind: str = "error") -> None:
        """Each error as a page on stderr; a warning only when messages are wanted."""
        if kind == "warning" and self.quiet:
            return
        for number, error in enumerate(errors):
            if number:
                sys.stderr.write("\n")
            for text in page(error, kind, _width(sys.stderr, pages.WIDTH)):
                _put(sys.stderr, text, text.partition(":")[0])
            if self.verbose and error.__cause__ is not None:
                sys.stderr.write(_traceback(error))

    @contextmanager
    def progress(self, view: View) -> Iterator[None]:
        """While the block runs, show `view` on stderr five times a second: as a table in place on a terminal, else as
        lines; nothing when quiet. What was last seen is shown before the block is left."""
        if self.quiet:
            yield
            return
        terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        shown = _table_in_place(view, self) if terminal else _lines_as_they_come(view, self)
        with shown as refresh, _repeated(refresh):
            yield

    def flush(self) -> None:
        sys.stdout.flush()

    def lose_stdout(self, error: OSError) -> None:
        """Go on without stdout. A reader who has gone wants no word about it; a full disk is worth one."""
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"error: the output could not be written: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave_terminal() -> None:
    """For a process that is about to end where it is: show the cursor, which a table in place hides, and end the line.

    By the descriptor: another thread may be writing to the stream, and never let go of it. What it writes from here on
    is lost, so that it draws nothing below that line.
    """
    if sys.stderr.isatty():
        with suppress(OSError):
            number = sys.stderr.fileno()
            terminal = os.dup(number)
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.write(terminal, b"\n" if os.environ.get("TERM") == "dumb" else b"\x1b[?25h\n")


def tolerate_any_text() -> None:
    """Show what the terminal's encoding lacks as escapes, instead of failing over it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def logged(output: Output) -> Iterator[None]:
    """Send log records and Python's warnings, redacted, to `output` as long as the block runs."""
    handler = _Records(output)
    handler.addFilter(RedactingFilter())
    root, own = logging.getLogger(), logging.getLogger("osiris")
    levels = root.level, own.level
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(levels[0])
        own.setLevel(levels[1])
        root.removeHandler(handler)


def log_more() -> None:
    """What `--verbose` adds: all of Osiris, and what others find worth telling."""
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("osiris").setLevel(logging.DEBUG)


class _Records(logging.Handler):
    """Unless verbose, a record of the error that a run reports is left out: its page, with the hint, comes at the
    end."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self.output = output

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, "reported", False)
        if self.output.verbose or (record.levelno >= logging.WARNING and not told):
            for text in self.format(record).splitlines():
                self.output.note(f"{record.levelname.lower()}: {text}", record.levelname.lower())


def fault(error: Exception) -> OsirisError:
    """A failure that nobody foresaw as one of ours, its traceback put into a file."""
    path = _keep_traceback(_traceback(error))
    kept = f"the traceback is in {path}" if path else "--verbose shows the traceback"
    hint = f"this is a fault of Osiris: {kept}"
    known = OsirisError(f"{type(error).__name__}: {error}", code="internal.fault", hint=hint)
    known.__cause__ = error
    return known


@contextmanager
def _table_in_place(view: View, output: Output) -> Iterator[Callable[[], None]]:
    from rich.live import Live

    terminal = sys.stderr

    def table() -> Any:
        columns, rows = view.table()
        return live_table(columns, [[_cell(value) for value in row] for row in rows], columns[2:], _width(terminal))

    def now() -> None:
        for text in view.notes():
            output.note(text)  # above the table: it holds what is written to stderr meanwhile
        live.update(table(), refresh=True)

    with Live(table(), console=_rich_console(terminal), auto_refresh=False, transient=True) as live:
        yield now


@contextmanager
def _lines_as_they_come(view: View, output: Output) -> Iterator[Callable[[], None]]:
    def now() -> None:
        for text in [*view.notes(), *view.lines()]:
            output.note(text)

    yield now


@contextmanager
def _repeated(refresh: Callable[[], None]) -> Iterator[None]:
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(REFRESH_S):
            refresh()

    thread = threading.Thread(target=work, name="osiris-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        refresh()


def _rich_console(stream: IO[str]) -> Any:
    from rich.console import Console

    colours: Any = "auto" if _has_colours(stream) else None
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=_width(stream), color_system=colours)


def _put(stream: IO[str], text: str, style: str | None) -> None:
    code = COLOURS.get(style or "")
    if code and _has_colours(stream):
        text = f"\x1b[{code}m{text}\x1b[0m"
    stream.write(text + "\n")


def _has_colours(stream: IO[str]) -> bool:
    """As https://no-color.org and https://force-color.org have it; who wants none is heard first."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _width(stream: IO[str], otherwise: int = TERMINAL_WIDTH) -> int:
    """The columns of the terminal, which $COLUMNS may overrule."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return (os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0) or otherwise


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if isinstance(value, float) else str(value)
    return visible(redactor.text(text).replace("\n", " "))


def _traceback(error: BaseException) -> str:
    return redactor.text("".join(traceback.format_exception(error)))


def _keep_traceback(text: str) -> str | None:
    import tempfile

    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="osiris-", suffix=".txt", delete=False) as file:
            file.write(text)
    except OSError:
        return None
    return file.name
