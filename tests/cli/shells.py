"""An interactive bash on a terminal of its own, for tests that press keys."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

LIMIT_S = 30.0
ALL = "\x1b*"
"""Meta-*: put every completion into the line."""
SHOW = "\x07"
BEGIN, END = "<<<", ">>>"
RC = f"""
PS1='READY '
bind 'set enable-bracketed-paste off' 'set bell-style none' 'set page-completions off'
bind -x '"\\C-g": printf "{BEGIN}%s{END}" "$READLINE_LINE"; READLINE_LINE= READLINE_POINT=0'
{{setup}}
"""


class Bash:
    """Takes keys as a person would press them, and tells what then stands in the line."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._ahead = ""
        self.shown = ""
        """All that the terminal has shown so far."""

    def line(self, keys: str) -> str:
        """The command line after `keys`; it is emptied again."""
        os.write(self._terminal, f"{keys}{SHOW}".encode())
        return self.wait_for(END).rpartition(BEGIN)[2].removesuffix(END)

    def complete(self, typed: str) -> str:
        """The line after `typed` and Tab."""
        return self.line(f"{typed}\t")

    def candidates(self, typed: str) -> list[str]:
        """What the last word of `typed` could become."""
        before = typed.rpartition(" ")[0]
        return self.line(f"{typed}{ALL}").removeprefix(before).split()

    def wait_for(self, text: str) -> str:
        """What is shown up to and with `text`."""
        deadline = time.monotonic() + LIMIT_S
        while text not in self._ahead:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"waited in vain for {text!r} in {self._ahead!r}"
            shown = os.read(self._terminal, 4096).decode()
            self._ahead += shown
            self.shown += shown
        seen, found, self._ahead = self._ahead.partition(text)
        return seen + found


@contextmanager
def bash(folder: Path, setup: str, **environment: str) -> Generator[Bash]:
    """A bash in `folder` that has run `setup`, with our `osiris` on its path."""
    rc = folder / ".bashrc-test"
    rc.write_text(RC.format(setup=setup), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "TERM": "dumb", "HOME": str(folder), **environment}
    ours, theirs = pty.openpty()
    command = ["bash", "--noprofile", "--rcfile", str(rc), "-i"]
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        shell = Bash(ours)
        shell.wait_for("READY ")
        yield shell
    finally:
        process.kill()
        process.wait()
        os.close(ours)
