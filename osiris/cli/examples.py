"""Examples as a user would write them: plain data as YAML, and a component's whole pipeline with its connections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")

if TYPE_CHECKING:
    from osiris.compile.example import Example


def pipeline_text(example: Example) -> str:
    """A pipeline's file; what it needs of the connections' file stands in comments above it."""
    component = example.component
    head = [
        f"{component.name} {component.version}: {component.title}",
        "Save it as pipelines/example.yaml, then: osiris validate pipelines/example.yaml",
    ]
    needed = connections_text(example)
    if needed is not None:
        head += ["It needs these connections in osiris_connections.yaml:", *(f"  {line}" for line in needed)]
    if example.variables:
        head.append(f"To run it, set {', '.join(example.variables)} in the environment or in .env.")
    return "".join(f"# {line}\n" for line in head) + as_yaml(example.pipeline)


def connections_text(example: Example) -> list[str] | None:
    """The lines of a connections file; None when the pipeline needs none."""
    if not example.connections:
        return None
    return as_yaml({"version": 1, "connections": example.connections}).splitlines()


def on_one_line(value: Any) -> str:
    """Any plain data as YAML on one line, however long."""
    from osiris.documents.scalars import resolve

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, str) and PLAIN.fullmatch(value) and resolve(value) == value):
        return str(value)  # as YAML would, in a hundredth of the time
    import yaml

    settings: dict[str, Any] = {"default_flow_style": True, "sort_keys": False, "allow_unicode": True}
    return str(yaml.safe_dump(value, width=float("inf"), **settings)).strip().removesuffix("...").strip()


def as_yaml(data: dict[str, Any]) -> str:
    """As one would write it: lists indented, texts of several lines as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Of its own, since representers belong to the class."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, block)
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
