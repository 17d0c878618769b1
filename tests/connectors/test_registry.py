"""Families: found on disk and by entry points, never imported for a list, two of one name told apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from osiris import DISTRIBUTION
from osiris.connectors import registry
from osiris.connectors.registry import HERE, Policy, Provider, Registry
from osiris.errors import ConfigError, NotFound
from tests.packages import write_package
from tests.toybox import installed

TRIPWIRE = "from pathlib import Path\nPath(__file__).with_name('imported').touch()\nraise RuntimeError('imported')\n"


def load(folder: Path, **policy: tuple[str, ...]) -> Registry:
    with installed(folder):
        return registry.load(Policy(**policy))


def builtin() -> str:
    """Some built-in family, whichever."""
    return next(family for family, provider in registry.load().providers.items() if provider.builtin)


def test_every_folder_with_a_client_is_a_family() -> None:
    """LESSONS 22: four hard-coded lists of families."""
    folders = {path.parent.name for path in HERE.glob("*/client.py") if not path.parent.name.startswith("_")}
    assert folders
    assert folders <= set(registry.families())


def test_an_installed_package_is_a_family_of_its_own(tmp_path: Path) -> None:
    write_package(tmp_path, "parrot")
    provider = load(tmp_path).provider("parrot")
    assert (provider.distribution, provider.version, provider.builtin) == ("osiris-parrot", "0.1.0", False)
    assert provider.specs == tmp_path / "osiris_parrot" / "components"


def test_listing_imports_no_package(tmp_path: Path) -> None:
    """LESSONS 22: a package of 20 lines is listed, and none of its code runs."""
    write_package(tmp_path, "parrot", files={"osiris_parrot/__init__.py": TRIPWIRE})
    program = (
        "import json, sys\n"
        "from osiris.connectors import registry\nfrom osiris.components import catalog\n"
        "rows = catalog.load(registry.load()).listed()\n"
        "print(json.dumps([rows, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    rows, modules = json.loads(done.stdout)
    assert [row["state"] for row in rows if row["name"] == "parrot.extractor"] == ["ok"]
    assert not (tmp_path / "osiris_parrot" / "imported").exists()
    loaded = [name for name in modules if name.startswith(("osiris_parrot", "duckdb", "osiris.connectors."))]
    assert loaded == ["osiris.connectors.registry"]


def test_the_client_is_imported_when_it_is_asked_for(tmp_path: Path) -> None:
    client = "from osiris import sdk\nclass Client(sdk.Client):\n    def open(self): ...\n    def close(self): ...\n"
    write_package(tmp_path, "macaw", files={"osiris_macaw/client.py": client})
    with installed(tmp_path):
        assert registry.get_connector_client("macaw").__module__ == "osiris_macaw.client"


def test_an_unknown_family_is_not_found_with_a_suggestion(tmp_path: Path) -> None:
    write_package(tmp_path, "parrot")
    with pytest.raises(NotFound, match='"parot"') as caught:
        load(tmp_path).provider("parot")
    assert caught.value.hint == 'did you mean "parrot"?'


def test_two_packages_for_one_family_are_an_error_naming_both(tmp_path: Path) -> None:
    write_package(tmp_path / "a", "parrot", distribution="osiris-parrot-a")
    write_package(tmp_path / "b", "parrot", distribution="osiris-parrot-b")
    with installed(tmp_path / "a", tmp_path / "b"):
        with pytest.raises(ConfigError, match=r"osiris-parrot-[ab] and osiris-parrot-[ab]"):
            registry.load().provider("parrot")
        chosen = registry.load(Policy(deny=("osiris-parrot-a",))).provider("parrot")
        assert chosen.distribution == "osiris-parrot-b"
        assert registry.load(Policy(deny=("osiris-parrot-b",))).provider("parrot").distribution == "osiris-parrot-a"


def test_a_built_in_family_is_never_shadowed_in_silence(tmp_path: Path) -> None:
    own = builtin()
    write_package(tmp_path, own)
    with pytest.raises(ConfigError, match=rf"both {DISTRIBUTION} and osiris-{own}"):
        load(tmp_path).provider(own)
    assert load(tmp_path, deny=(own,)).provider(own).builtin
    assert load(tmp_path, deny=(f"osiris-{own}",)).provider(own).builtin
    assert load(tmp_path, allow=()).provider(own).builtin
    assert not load(tmp_path, override=(own,)).provider(own).builtin


def test_a_family_that_is_not_allowed_is_listed_as_disabled(tmp_path: Path) -> None:
    write_package(tmp_path, "parrot")
    found = load(tmp_path, deny=("parrot",))
    assert found.providers["parrot"].state == "disabled"
    with pytest.raises(ConfigError, match="disabled") as caught:
        found.provider("parrot")
    assert caught.value.code == "family.disabled"
    assert load(tmp_path, allow=("macaw",)).providers["parrot"].state == "disabled"
    assert load(tmp_path, allow=("parrot",)).providers["parrot"].state == "ok"


@pytest.mark.parametrize(
    ("value", "reason"),
    [("osiris_parrot.inner", "top-level"), ("osiris_parrot:Client", "top-level"), ("osiris_gone", "is not there")],
)
def test_a_wrong_entry_point_is_listed_as_broken(tmp_path: Path, value: str, reason: str) -> None:
    """`find_spec` of a dotted name would import the package above it."""
    write_package(tmp_path, "parrot", value=value, files={"osiris_parrot/__init__.py": TRIPWIRE})
    provider = load(tmp_path).providers["parrot"]
    assert provider.state == "broken"
    assert reason in str(provider.reason)
    assert not (tmp_path / "osiris_parrot" / "imported").exists()


def test_a_family_with_a_wrong_name_is_broken(tmp_path: Path) -> None:
    write_package(tmp_path, "Par-rot", value="osiris_parrot")
    assert load(tmp_path).providers["Par-rot"].state == "broken"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError('bad luck')", "could not be imported: ValueError: bad luck"),
        ("x = 1", "has no class Client"),
        ("import json; json.nope", "could not be imported: AttributeError"),
    ],
)
def test_a_broken_module_is_a_clear_error(tmp_path: Path, code: str, message: str) -> None:
    name = f"broken{abs(hash(code))}"
    write_package(tmp_path, name, files={f"osiris_{name}/client.py": code})
    with installed(tmp_path), pytest.raises(ConfigError, match=message) as caught:
        registry.get_connector_client(name)
    assert caught.value.code == "family.broken"


def test_a_family_without_the_module_of_a_component_says_so(tmp_path: Path) -> None:
    write_package(tmp_path, "heron")
    with installed(tmp_path), pytest.raises(ConfigError, match=r"has no module osiris_heron\.writer"):
        registry.load().implementation("heron.writer")


METADATA = """\
Provides-Extra: fast
Provides-Extra: egret
Requires-Dist: no_such_library_xy2; extra == 'fast'
Requires-Dist: no-such.library-xy (>=1) ; extra == "egret"
"""


def test_a_missing_library_names_the_extra_that_brings_it(tmp_path: Path) -> None:
    write_package(
        tmp_path, "egret", metadata=METADATA, files={"osiris_egret/client.py": "import no_such_library_xy.inner\n"}
    )
    with installed(tmp_path), pytest.raises(ConfigError, match="no_such_library_xy") as caught:
        registry.get_connector_client("egret")
    assert caught.value.code == "family.missing_extra"
    assert str(caught.value.hint).endswith('-m pip install "osiris-egret[egret]"')


def test_a_missing_library_that_no_extra_brings_is_named_itself() -> None:
    provider = Provider("owl", "osiris_owl", None, "no-such-distribution-xy", "1", builtin=False)
    assert registry.install_command(provider, "some_lib.inner").endswith("-m pip install some-lib")


@pytest.mark.parametrize("name", ["toybox.reader", "toybox.csv", "toybox.", "toybox"])
def test_a_kind_ends_in_a_role(name: str) -> None:
    with pytest.raises(ConfigError, match="a kind ends in"):
        registry.load().implementation(name)
