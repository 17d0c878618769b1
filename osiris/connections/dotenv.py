"""Reading a `.env` file, strictly: `KEY=VALUE` lines, quotes, comments, `export`; anything else is an error."""

from __future__ import annotations

import re
from pathlib import Path

from osiris.errors import ConfigError

LINE = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
QUOTED = re.compile(r"""(?P<text>'[^']*'|"(?:[^"\\]|\\.)*")\s*(?:#.*)?""")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def load(path: Path) -> dict[str, str]:
    """The variables of the file; none when it is not there. Errors name the line, never a value."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", code="env.unreadable", file=str(path)) from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        parts = LINE.fullmatch(stripped)
        if parts is None:
            raise _wrong(path, number, "the line is not KEY=VALUE", "start a comment with #")
        if parts["key"] in found:
            raise _wrong(path, number, f"{parts['key']} is set twice", "keep one of the lines")
        found[parts["key"]] = _value(parts["value"], path, number)
    return found


def _value(text: str, path: Path, number: int) -> str:
    r"""In double quotes \n is a line break, in single ones nothing is special; without quotes ` #` starts a comment."""
    if not text.startswith(("'", '"')):
        return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
    quoted = QUOTED.fullmatch(text)
    if quoted is None:
        raise _wrong(
            path, number, "the quoted text does not end on its line", r"write a line break as \n in double quotes"
        )
    inner = quoted["text"][1:-1]
    return inner if text[0] == "'" else re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), inner)


def _wrong(path: Path, number: int, message: str, hint: str) -> ConfigError:
    return ConfigError(message, code="env.invalid", hint=hint, file=str(path), line=number)
