"""What each of the tools that Osiris is compared with is told to do."""

from __future__ import annotations

from pathlib import Path

from bench.peers import sling

EXPORTERS = {
    "csv": ("dlt", "ingestr", "sling"),
    "parquet": ("dlt", "ingestr"),  # sling writes Parquet by a program that it downloads when it runs
}


def export(name: str, place: Path, url: str, out: Path) -> tuple[list[str | Path], str]:
    """The command by which a peer writes lineitem to a file named as `out`, and the pattern of the files it makes."""
    kind = out.suffix[1:]
    table = f"{url.rpartition('/')[2]}.lineitem"
    if name == "dlt":
        command = [place / "bin/python", Path(__file__).with_name("with_dlt.py"), url, out.with_suffix(""), kind]
        return command, f"{out.with_suffix('')}/out/lineitem/*.{kind}"
    if name == "ingestr":
        command = [place / "bin/ingestr", "ingest", "--yes", "--progress", "log", "--source-uri", url]
        command += ["--source-table", table, "--dest-uri", f"{kind}://{out}", "--dest-table", table]
        return command, str(out)
    return [sling(place), "run", "--src-conn", url, "--src-stream", table, "--tgt-object", f"file://{out}"], str(out)
