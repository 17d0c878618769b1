"""Runs a server for as long as its own stdin is open: it never outlives the test process, however that ends.

python leash.py <folder> <signal> <command...>: the signal ends the server when stdin is closed, and the folder is
removed once it has ended so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading

PATIENCE_S = 10


def main(folder: str, name: str, command: list[str]) -> int:
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    let_go = threading.Event()

    def watch() -> None:
        while os.read(0, 1024):
            pass
        let_go.set()
        server.send_signal(signal.Signals[f"SIG{name}"])
        try:
            server.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.kill()

    threading.Thread(target=watch, daemon=True).start()
    code = server.wait()
    if let_go.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
