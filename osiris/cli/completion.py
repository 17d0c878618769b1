"""Answers the shell that asks what can be typed next; the shells ask by the scripts in `shells/`.

A shell calls `osiris` with `_OSIRIS_COMPLETE=<shell>_complete` and, in COMP_LINE, what is typed up to the cursor. It
gets a line for each word that fits: kind, word and a short text, with tabs between them. The kind is that of click:
`plain`, or `dir` and `file`, which ask the shell to look for such by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, _resolve_context, split_arg_string

from osiris.cli.face import Face

VARIABLE = "_OSIRIS_COMPLETE"
SCRIPTS = Path(__file__).parent / "shells"
SHELLS = tuple(sorted(path.suffix[1:] for path in SCRIPTS.iterdir()))
CURSOR = "\0"
"""Marks where the cursor is; no environment variable can hold it."""


def script(shell: str) -> str:
    """What the shell has to read once."""
    return (SCRIPTS / f"osiris.{shell}").read_text(encoding="utf-8")


def answer(cli: click.Command, face: Face, environ: Mapping[str, str]) -> list[str]:
    """The lines that the shell is to get. Raises anything for a line or a project that is in disorder."""
    shell, _, what = environ[VARIABLE].partition("_")
    if what == "source":
        return script(shell).splitlines()
    line = environ["COMP_LINE"]
    _, *words, last = split_arg_string(line + CURSOR)
    found = completions(cli, face, words, last.removesuffix(CURSOR))
    if shell == "bash":
        found = [_for_bash(item, line, last.removesuffix(CURSOR), environ.get("COMP_WORD", "")) for item in found]
    return [f"{item.type}\t{item.value}\t{_one_line(item.help)}" for item in found if _is_plain(item.value)]


def completions(cli: click.Command, face: Face, words: list[str], typed: str) -> list[CompletionItem]:
    """What the word that begins with `typed` can become, after `words`; behind `--option=` the whole of it, too."""
    option, equals, value = typed.partition("=")
    if equals and option.startswith("--"):
        found = completions(cli, face, [*words, option], value)
        return [CompletionItem(f"{option}={item.value}", item.type, item.help) for item in found]
    settings = {"obj": face, "help_option_names": ["-h", "--help"]}
    if words:
        # click itself forgets the arguments of a line whose last option has no value yet
        context = _resolve_context(cli, dict(settings), "osiris", words[:-1])
        for parameter in context.command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag and words[-1] in parameter.opts:
                return parameter.shell_complete(context, typed)
    return ShellComplete(cli, settings, "osiris", VARIABLE).get_completions(words, typed)


def _for_bash(item: CompletionItem, line: str, typed: str, word: str) -> CompletionItem:
    """As bash has to be told: it puts the value in place of `word`, which begins behind the last `@` or `=`, and as it
    is, so that it needs its quotes."""
    value = str(item.value)
    if typed.endswith(word):
        value = value[len(typed) - len(word) :]
    quote = _open_quote(line)
    unsafe = {"": r"[^\w@%+=:,./~-]", '"': r'["\\$`]', "'": r"'"}[quote]
    return CompletionItem(re.sub(unsafe, r"'\\''" if quote == "'" else r"\\\g<0>", value), item.type, item.help)


def _open_quote(line: str) -> str:
    """The quote that is open where `line` ends, if any."""
    quote = ""
    for character in re.sub(r"\\.", "", line):
        if not quote and character in "'\"":
            quote = character
        elif character == quote:
            quote = ""
    return quote


def _is_plain(value: str) -> bool:
    """Whether it can stand on a command line; a file's name may hold anything."""
    return value.isprintable()


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
