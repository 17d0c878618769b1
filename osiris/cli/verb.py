"""The click classes that every verb is made of: they add the options that all verbs share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.render import log_more
from osiris.errors import EXIT_CONFIG, NotFound

pass_face = click.make_pass_decorator(Face)


class Verb(click.Command):
    """A command that takes `--project`, `--json`, `--quiet` and `--verbose` behind its name, too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.extend(shared_options())


class VerbGroup(click.Group):
    """A group of verbs; the shared options may stand before or behind the verb, the last one counts."""

    command_class = Verb

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings.setdefault("no_args_is_help", True)
        super().__init__(*args, **settings)
        self.params.extend(shared_options())

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """click suggests from commands that are loaded; these are loaded when they are asked for."""
        unknown = self.get_command(ctx, args[0]) is None and not args[0].startswith("-")
        if unknown and not ctx.resilient_parsing:
            raise UnknownVerb(args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


class UnknownVerb(click.UsageError):
    """`possibilities` are the commands that were probably meant, as in click's NoSuchOption."""

    def __init__(self, name: str, known: list[str], ctx: click.Context) -> None:
        from difflib import get_close_matches

        super().__init__(f"No such command '{name}'.", ctx)
        self.possibilities = get_close_matches(name, known)


def shared_options() -> list[click.Option]:
    """New option objects each time: click lets no two commands share one."""
    return [
        click.Option(
            ["--project"],
            metavar="DIR",
            expose_value=False,
            callback=_keep,
            shell_complete=words.folders,
            help="The project's folder, instead of the current one.",
        ),
        _flag("--json", "Print one JSON document on stdout and nothing else."),
        _flag("--quiet", "Print results and errors only: no progress, no messages."),
        _flag("--verbose", "Print log messages, and the traceback of an error."),
    ]


def _flag(name: str, text: str) -> click.Option:
    return click.Option([name], is_flag=True, expose_value=False, callback=_keep, help=text)


def _keep(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if not value:
        return
    face = ctx.ensure_object(Face)
    if option.name == "project":
        face.folder = value
    if option.name == "project" or ctx.resilient_parsing:
        return
    setattr(face.output, str(option.name), True)
    if option.name == "verbose":
        log_more()
    if face.output.quiet and face.output.verbose:
        raise click.UsageError("--quiet and --verbose exclude each other", ctx)


@contextmanager
def unknown_name() -> Iterator[None]:
    """A name on the command line that nothing bears is a wrong call: exit 2, not 1 as for a table that is gone."""
    try:
        yield
    except NotFound as error:
        error.exit_code = EXIT_CONFIG
        raise
