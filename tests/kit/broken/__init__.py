"""Broken connectors: each is the reference with one fault, and names the one test of the kit that must catch it."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from osiris import sdk
from tests.kit.reference.osiris_reference import client, extractor, processor, writer

GROUPS = ("connecting", "secrets", "reading", "writing", "committing", "killed", "network", "transforming")


class Fault:
    """The docstring of each says what is wrong. `base` is the family that it is made of, `roles` are its components,
    `spec` replaces text in their specs."""

    caught_by: ClassVar[str]
    base: ClassVar[str] = "reference"
    roles: ClassVar[tuple[str, ...]] = ("extractor",)
    spec: ClassVar[tuple[str, str]] = ("", "")
    Client: ClassVar[type[sdk.Client]] = client.Client
    Extractor: ClassVar[type] = extractor.Extractor
    Writer: ClassVar[type] = writer.Writer
    Processor: ClassVar[type] = processor.Processor


def family(fault: type[Fault]) -> str:
    """`NoEnd` as `no_end`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", fault.__name__).lower()


def faults(group: str) -> list[type[Fault]]:
    """The faults of one module, in its order."""
    module = import_module(f"tests.kit.broken.{group}")
    classes = [made for made in vars(module).values() if isinstance(made, type) and issubclass(made, Fault)]
    return [made for made in classes if made.__dict__.get("caught_by")]


def find(group: str, name: str) -> type[Fault]:
    return next(fault for fault in faults(group) if family(fault) == name)


def install(folder: Path, group: str) -> list[type[Fault]]:
    """Write a package for each fault of a group into `folder`, as an installer would leave it."""
    for fault in faults(group):
        name = family(fault)
        package, information = folder / f"osiris_{name}", folder / f"osiris_{name}-1.0.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: osiris-{name}\nVersion: 1.0.0\n")
        (information / "entry_points.txt").write_text(f"[osiris.connectors]\n{name} = osiris_{name}\n")
        package.mkdir()
        (package / "__init__.py").touch()
        for module in ("client", *fault.roles):
            made = module.title()
            source = f"from tests.kit.broken import find\n{made} = find({group!r}, {name!r}).{made}\n"
            (package / f"{module}.py").write_text(source)
        for role in fault.roles:
            text = spec_of(fault, role).read_text().replace(f"{fault.base}.", f"{name}.", 1)
            (package / "components" / f"{name}.{role}").mkdir(parents=True)
            (package / "components" / f"{name}.{role}" / "spec.yaml").write_text(text.replace(*fault.spec))
    return faults(group)


def spec_of(fault: type[Fault], role: str) -> Path:
    """The spec of the component that it is made of."""
    made = next(cls for cls in fault.Client.__mro__ if cls.__module__.endswith(f"osiris_{fault.base}.client"))
    package = Path(import_module(made.__module__).__file__ or "").parent
    return package / "components" / f"{fault.base}.{role}" / "spec.yaml"
