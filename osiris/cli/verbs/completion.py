"""`osiris completion`: the script by which a shell completes what is typed behind `osiris`."""

from __future__ import annotations

import click

from osiris.cli import completion
from osiris.cli.face import Face
from osiris.cli.verb import Verb, pass_face


@click.command("completion", cls=Verb)
@click.argument("shell", type=click.Choice(completion.SHELLS))
@pass_face
def command(face: Face, /, shell: str) -> None:
    """Print the script by which a shell completes osiris.

    Commands and options are completed, and what the project has: pipelines with their profiles and parameters,
    components, connections, runs. No variable is looked up for it and no connection opened.

    \b
    bash, in ~/.bashrc:
      eval "$(osiris completion bash)"
    or, where the package bash-completion is installed, once:
      osiris completion bash > ~/.local/share/bash-completion/completions/osiris
    zsh, in ~/.zshrc, below compinit:
      eval "$(osiris completion zsh)"
    or, where ~/.zfunc is in $fpath, once:
      osiris completion zsh > ~/.zfunc/_osiris
    fish, once:
      osiris completion fish > ~/.config/fish/completions/osiris.fish
    """
    text = completion.script(shell)
    face.output.document({"shell": shell, "script": text})
    face.output.line(text.rstrip("\n"))
