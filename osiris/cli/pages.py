"""How an error looks on a terminal: what, where with the source line and a caret, and what to do."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from osiris.cli.masking import Shown, without_values
from osiris.cli.paths import shown_path
from osiris.errors import OsirisError
from osiris.secrets import MASK, redactor

WIDTH = 200
"""Where no terminal says otherwise. A longer source line is shown in part: it is there to be recognised."""
CUT = "…"
SECRET_NAME = re.compile(
    "pas+w|pwd|pass(phrase)?$|secret|token|api_?key|private|credential|dsn|auth|^url$", re.IGNORECASE
)
REFERENCE = re.compile(r"""\s*["']?\$\{[^{}:]*\}["']?\s*,?\s*(#.*)?$""")
KEY = re.compile(r"""\s*(?:-\s+)*(["']?)(?P<name>[^:"'{}\[\]]+)\1\s*:""")


def page(error: OsirisError, kind: str = "error", width: int = WIDTH) -> list[str]:
    """The lines of one error, its first one `error: …`; only its source line is fitted to `width`.

    Secrets are masked, control characters made visible.
    """
    message = error.message if error.file else str(error)
    first, *rest = message.splitlines() or [""]
    lines = [f"{kind}: {first}", *(f"  {line}" for line in rest)]
    if error.step:
        lines.append(f"  in step: {error.step}")
    if error.file and error.where:
        lines.append(f"  at {shown_path(error.file)}{error.where.removeprefix(error.file)}")
        lines.extend(_source(error, width))
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return [visible(redactor.text(line)) for line in lines]


def visible(text: str) -> str:
    """`text` without the control characters that a terminal would obey; tabs and line ends stay."""
    return "".join(c if c.isprintable() or c in "\t\n" else f"\\x{ord(c):02x}" for c in text)


def _source(error: OsirisError, width: int) -> list[str]:
    line = _line_of(error)
    if line is None or not line.strip():
        return []
    number, masked = str(error.line), _without_secrets(line, error)
    whole, column = redactor.text(masked.text), masked.column  # before a part is taken: half a secret is not recognised
    if whole[:column] != masked.text[:column]:
        column = 0
    shown, column = _part(whole, column, min(WIDTH, width) - len(f"  {number} | "))
    found = [f"  {number} | {shown}"]
    if 0 < column <= len(shown):
        # the caret stands under its letter also where the line is indented by tabs
        before = "".join("\t" if letter == "\t" else " " for letter in shown[: column - 1])
        found.append(f"  {' ' * len(number)} | {before}^")
    return found


def _part(line: str, column: int, width: int) -> tuple[str, int]:
    """As much of `line` as there is room for, with its letter at `column`, and where that stands now."""
    width = max(width, 20)
    start = max(0, min(column - width // 2, len(line) - width))
    before, after = CUT if start else "", CUT if start + width < len(line) else ""
    part = line[start : start + width]
    return before + part[len(before) : len(part) - len(after)] + after, column - start


def _line_of(error: OsirisError) -> str | None:
    """The line that an error points at; only of YAML, for a line of data is nobody's business here."""
    if error.file is None or not error.line or not error.file.endswith((".yaml", ".yml")):
        return None
    try:
        with Path(error.file).open(encoding="utf-8") as file:
            line = next(itertools.islice(file, error.line - 1, None), None)
    except (OSError, UnicodeDecodeError):
        return None
    return line.rstrip("\r\n") if line else None


def _without_secrets(line: str, error: OsirisError) -> Shown:
    """`line` without what may be a secret that no redactor was told of: a misspelt `pasword:`, a password inline."""
    whole = Shown(line, error.column or 0)
    suspicious = "secret" in error.code or "connection" in Path(error.file or "").name
    found = KEY.match(line)
    value = line[found.end() :] if found else line
    if found and (not value.strip() or REFERENCE.match(value)):
        return whole
    if suspicious or (found and (SECRET_NAME.search(found["name"]) or _has_secret_key(value))):
        return without_values(line, whole.column) or Shown(f"{found.group()} {MASK}" if found else MASK, 0)
    return whole


def _has_secret_key(value: str) -> bool:
    """Whether a flow mapping (`{password: x}`) names one."""
    return any(SECRET_NAME.search(name) for name in re.findall(r"""([\w.-]+)["']?\s*:""", value))
