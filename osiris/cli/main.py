"""Builds the `osiris` command from the files in `verbs/`, and turns every outcome into an exit code."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from osiris.cli import completion, verbs
from osiris.cli.face import Face, each, plain_failure
from osiris.cli.render import fault, logged, tolerate_any_text
from osiris.cli.signals import Stopped, signals
from osiris.cli.verb import VerbGroup
from osiris.errors import EXIT_CONFIG, EXIT_FAILED, EXIT_OK, ConfigError, OsirisError


def main(arguments: Sequence[str]) -> int:
    """Run `osiris <arguments>` and return the exit code; nothing but a fault of Python itself is raised."""
    tolerate_any_text()
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # numpy's threads for matrices, of which we have none, wait busily
    face = Face()
    face.output.json = "--json" in arguments
    try:
        with logged(face.output), signals(face):
            return _outcome(face, list(arguments)) if completion.VARIABLE not in os.environ else _completed(face)
    except OSError as error:  # raised while an outcome was shown: there is no more to be shown there
        face.output.lose_stdout(error)
        return EXIT_FAILED


class Verbs(VerbGroup):
    """The files of `verbs/` as commands; the file of a verb is imported when its name or its help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(verbs.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{verbs.__name__}.{cmd_name}").command
        return command


def _show_version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        from osiris import __version__

        face = ctx.ensure_object(Face)
        face.output.document({"version": __version__})
        face.output.line(f"osiris {__version__}")
        ctx.exit()


cli = Verbs(
    "osiris",
    help="Move data between systems: check a pipeline, compile it, run it.",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        )
    ],
)


def _outcome(face: Face, arguments: list[str]) -> int:
    try:
        code = _invoke(face, arguments)
        face.output.flush()
    except click.exceptions.Exit as asked:
        code = asked.exit_code
    except click.ClickException as error:
        code = _misused(face, error)
    except Stopped as stopped:
        code = _refused(face, stopped.error)
    except OsirisError as error:
        code = _refused(face, error)
    except BrokenPipeError:
        raise
    except OSError as error:
        code = _refused(face, _from_os(error))
    except Exception as error:  # noqa: BLE001 - the one place where a fault of Osiris becomes a line and an exit code
        code = _refused(face, fault(error))
    return code


def _invoke(face: Face, arguments: list[str]) -> int:
    """Not `cli.main`, which answers interrupts and broken pipes in its own way."""
    settings: dict[str, Any] = {"obj": face, "help_option_names": ["-h", "--help"], "max_content_width": 100}
    with cli.make_context("osiris", arguments, **settings) as context:
        code = cli.invoke(context)
    return code if isinstance(code, int) else EXIT_OK


def _completed(face: Face) -> int:
    """Nothing but words may be shown: whoever is typing sees it in the middle of the line."""
    face.output.quiet = True
    try:
        for line in completion.answer(cli, face, os.environ):
            face.output.line(line)
        face.output.flush()
    except (Stopped, Exception):  # noqa: BLE001 - whatever is wrong is told by the command itself, once it is called
        return EXIT_FAILED
    return EXIT_OK


def _refused(face: Face, error: OsirisError) -> int:
    face.output.document(face.failure(error))
    face.output.errors(*each(error))
    return error.exit_code


def _misused(face: Face, error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        face.output.document(plain_failure(ConfigError("a command is missing", code="usage")))
        face.output.note(error.format_message())
        return EXIT_CONFIG
    nearest = getattr(error, "possibilities", None)
    message = (error.message if nearest else error.format_message()).rstrip(".")
    context = getattr(error, "ctx", None)
    help_of = context.command_path if context else "osiris"
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"try: {help_of} --help"
    return _refused(face, ConfigError(message[:1].lower() + message[1:], code="usage", hint=hint))


def _from_os(error: OSError) -> OsirisError:
    """The machine refused something that no part of Osiris expected: a full disk, a folder without permission."""
    reason = (error.strerror or type(error).__name__).lower()
    named = f"{error.filename}: {reason}" if error.filename else reason
    failed = OsirisError(named, code="system")
    failed.__cause__ = error
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
