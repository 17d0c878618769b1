"""Which connector families there are, and their classes: found on disk and by entry points, imported only when used.

A built-in family is a folder `osiris/connectors/<family>/`; a third-party one is an entry point of the group
`osiris.connectors` whose name is the family and whose value is a top-level package. Listing imports neither.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from osiris.errors import ConfigError, NotFound, OsirisError, did_you_mean

if TYPE_CHECKING:
    from osiris.connectors.base import Client

GROUP = "osiris.connectors"
HERE = Path(__file__).parent
FAMILY = re.compile(r"[a-z][a-z0-9_]*")
ROLES = {"extractor": "Extractor", "writer": "Writer", "processor": "Processor"}


@dataclass(frozen=True, slots=True)
class Policy:
    """`plugins` of osiris.yaml: only `allow`ed third parties if given, none that are `deny`ed; `override` lists the
    built-in families that a third party may replace. Each names families or distributions."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    override: tuple[str, ...] = ()

    def lets_in(self, provider: Provider) -> bool:
        names = {provider.family, provider.distribution}
        return not names & set(self.deny) and (self.allow is None or bool(names & set(self.allow)))

    def may_replace(self, provider: Provider) -> bool:
        return bool({provider.family, provider.distribution} & set(self.override))


@dataclass(frozen=True, slots=True)
class Provider:
    """Who provides a family: `package` is imported on use, `specs` is the folder of its `<family>.<kind>/spec.yaml`."""

    family: str
    package: str
    specs: Path | None
    distribution: str
    version: str
    builtin: bool
    state: Literal["ok", "broken", "disabled"] = "ok"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """The providers that a policy lets through."""

    providers: Mapping[str, Provider] = field(default_factory=dict)

    def families(self) -> list[str]:
        """All families, sorted, broken and disabled ones included."""
        return sorted(self.providers)

    def provider(self, family: str) -> Provider:
        """Raises NotFound for an unknown family, ConfigError for one that is broken or disabled."""
        found = self.providers.get(family)
        if found is None:
            hint = did_you_mean(family, self.families()) or f"known families: {', '.join(self.families())}"
            raise NotFound(f'there is no connector family "{family}"', code="family.unknown", hint=hint)
        if found.state != "ok":
            raise ConfigError(
                f'the connector family "{family}" ({found.distribution}) is {found.state}: {found.reason}',
                code="family.broken" if found.state == "broken" else "family.disabled",
            )
        return found

    def client(self, family: str) -> type[Client]:
        """The family's Client class, imported now."""
        found: type[Client] = self._load(family, "client", "Client")
        return found

    def implementation(self, component: str) -> type[Any]:
        """The class behind `<family>.<kind>`: `Extractor` of `extractor.py`, or of `csv.py` for `csv_extractor`."""
        family, _, kind = component.partition(".")
        name, _, role = kind.rpartition("_")
        if role not in ROLES:
            raise ConfigError(f"{component}: a kind ends in {', '.join(ROLES)}", code="component.kind")
        found: type[Any] = self._load(family, name or role, ROLES[role])
        return found

    def _load(self, family: str, module: str, name: str) -> Any:
        provider = self.provider(family)
        path = f"{provider.package}.{module}"
        try:
            found = importlib.import_module(path)
        except ModuleNotFoundError as error:
            raise _missing(provider, path, error) from error
        except OsirisError:
            raise
        except Exception as error:
            # A third party's module may fail in any way while it is imported.
            text = f"{path} could not be imported: {type(error).__name__}: {error}"
            raise ConfigError(text, code="family.broken") from error
        if not hasattr(found, name):
            raise ConfigError(f"{path} has no class {name}", code="family.broken")
        return getattr(found, name)


def load(policy: Policy | None = None) -> Registry:
    """Look for families on disk and among the installed entry points; imports none of them."""
    policy = policy or Policy()
    found = {provider.family: provider for provider in _builtin()}
    for family, provider in _third_party(policy).items():
        own = found.get(family)
        if own is None or (provider.state != "disabled" and policy.may_replace(provider)):
            found[family] = provider
        elif provider.state != "disabled":
            found[family] = _broken(
                provider,
                f"both {own.distribution} and {provider.distribution} provide it; in osiris.yaml, list "
                f"{provider.distribution} under plugins.override to use it, or under plugins.deny to ignore it",
            )
    return Registry(found)


def families() -> list[str]:
    """All families under the default policy."""
    return load().families()


def get_connector_client(family: str) -> type[Client]:
    """The family's Client class under the default policy; NotFound, with "did you mean", for an unknown family."""
    return load().client(family)


def own_distribution() -> tuple[str, str]:
    """(name, version) of the distribution that installed Osiris itself."""
    from osiris import DISTRIBUTION, __version__

    return DISTRIBUTION, __version__


def _builtin() -> list[Provider]:
    name, version = own_distribution()
    specs = HERE.parent / "components"
    return [
        Provider(entry.name, f"osiris.connectors.{entry.name}", specs, name, version, builtin=True)
        for entry in sorted(HERE.iterdir())
        if entry.is_dir() and not entry.name.startswith("_") and (entry / "client.py").is_file()
    ]


def _third_party(policy: Policy) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for point in metadata.entry_points(group=GROUP):
        provider = _describe(point)
        other = found.get(point.name)
        if not policy.lets_in(provider):
            found.setdefault(point.name, _with(provider, "disabled", "not allowed by plugins in osiris.yaml"))
        elif other is None or other.state == "disabled":
            found[point.name] = provider
        elif other.distribution != provider.distribution:
            names = f"{other.distribution} and {provider.distribution}"
            reason = f"both {names} provide it; list one of them under plugins.deny in osiris.yaml"
            found[point.name] = _broken(provider, reason)
    return found


def _describe(point: metadata.EntryPoint) -> Provider:
    distribution = point.dist.name if point.dist else "unknown"
    version = point.dist.version if point.dist else "0"
    provider = Provider(point.name, point.value, None, distribution, version, builtin=False)
    if not FAMILY.fullmatch(point.name):
        return _broken(provider, f"a family's name has lower-case letters, digits and _, not {point.name!r}")
    if "." in point.value or ":" in point.value:
        return _broken(provider, f"its entry point {point.value!r} must name a top-level package")
    folder = _package_folder(point.value)
    if folder is None:
        return _broken(provider, f"the package {point.value!r} is not there")
    return Provider(point.name, point.value, folder / "components", distribution, version, builtin=False)


def _package_folder(package: str) -> Path | None:
    """Where a top-level package lies, without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _with(provider: Provider, state: Literal["broken", "disabled"], reason: str) -> Provider:
    return replace(provider, state=state, reason=reason)


def _broken(provider: Provider, reason: str) -> Provider:
    return _with(provider, "broken", reason)


def _missing(provider: Provider, path: str, error: ModuleNotFoundError) -> ConfigError:
    missing = error.name or path
    if missing == path or path.startswith(f"{missing}."):
        return ConfigError(f"the family {provider.family!r} has no module {path}", code="family.broken")
    install = install_command(provider, missing)
    return ConfigError(
        f"the connector family {provider.family!r} needs the package {missing!r}, which is not installed",
        code="family.missing_extra",
        hint=f"run: {install}",
    )


def install_command(provider: Provider, missing: str) -> str:
    """What to type so that `missing` gets installed: the provider's extra that brings it, else the package itself."""
    python = Path(sys.executable).name
    wanted = _normal(missing.partition(".")[0])
    try:
        needs = metadata.requires(provider.distribution) or []
        extras = metadata.metadata(provider.distribution).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        needs, extras = [], []
    bringing = [extra for extra in extras if any(_brings(need, wanted, extra) for need in needs)]
    for extra in sorted(bringing, key=lambda extra: extra != provider.family):
        return f'{python} -m pip install "{provider.distribution}[{extra}]"'
    if provider.family in extras:
        return f'{python} -m pip install "{provider.distribution}[{provider.family}]"'
    return f"{python} -m pip install {wanted}"


def _brings(need: str, wanted: str, extra: str) -> bool:
    """Whether a line of the metadata (`pymysql>=1.1; extra == "mysql"`) says that `extra` brings `wanted`."""
    name = re.match(r"[A-Za-z0-9._-]+", need)
    marker = need.partition(";")[2].replace('"', "'").replace(" ", "")
    return name is not None and _normal(name.group()) == wanted and f"extra=='{extra}'" in marker


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
