"""Numbers as people read them: counts, sizes, durations, moments."""

from __future__ import annotations


def count(number: int) -> str:
    return f"{number:,}"


def row_count(number: int) -> str:
    return f"{count(number)} row{'' if number == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Decimal units, as disks and networks are measured: `1.5 MB` is 1,500,000 bytes."""
    if size_bytes < 1000:
        return f"{int(size_bytes)} B"
    for unit in ("kB", "MB", "GB"):
        size_bytes /= 1000
        if size_bytes < 999.95:
            return f"{size_bytes:.1f} {unit}"
    return f"{size_bytes / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def moment(text: str) -> str:
    """`2026-01-31 09:30:00` of a moment in ISO 8601, which is in UTC as all that Osiris keeps."""
    return text[:19].replace("T", " ")
