"""The tools that Osiris is compared with: which packages they are, and how they are installed and kept."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "osiris-bench"
PACKAGES = {
    "connectorx": ("connectorx==0.4.6", "pyarrow"),
    "adbc": ("connectorx==0.4.6", "adbc-driver-postgresql==1.13.0", "pyarrow"),
    "dlt": (
        "dlt[filesystem,parquet,postgres]==1.31.0",
        *("sqlalchemy", "pymysql", "connectorx==0.4.6", "pyarrow", "numpy"),
    ),
    "duckdb": ("duckdb==1.5.5", "duckdb-extensions==1.5.5", "duckdb-extension-postgres-scanner==1.5.5"),
    "ingestr": ("ingestr==0.15.9",),  # a later one downloads its program when it runs
    "sling": ("sling-linux-amd64==1.4.11",),  # so does a later one of these
}
QUIET = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "INGESTR_DISABLE_TELEMETRY": "true",
    "SLING_DISABLE_TELEMETRY": "true",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",  # else dlt's CSV files are gzipped
}


def installed(cache: Path, name: str) -> Path | None:
    """The environment of a peer, kept for the next time; None, and a line that says why, when it cannot be had."""
    folder, wanted = cache / name, "\n".join(PACKAGES[name])
    mark = folder / "installed"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return folder
    print(f"installing {', '.join(PACKAGES[name])} into {folder}", flush=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES[name]], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        print(f"  {name} is left out: it cannot be installed: {(error.stderr or '').strip()[-300:]}", flush=True)
        return None
    mark.write_text(wanted, encoding="utf-8")
    return folder


def sling(place: Path) -> Path:
    """Its program."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return place / "lib" / version / "site-packages/sling_linux_amd64/bin/sling-linux-amd64"
