"""The catalog: every built-in spec is sound; broken ones are listed with their reason and crash nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import osiris.components
from osiris.components import catalog
from osiris.components.audit import audit
from osiris.components.catalog import Catalog
from osiris.connectors import registry
from osiris.connectors.registry import Policy
from osiris.errors import ConfigError, NotFound
from tests.packages import SPEC, write_package
from tests.toybox import installed, toy_catalog

COMPONENTS = Path(osiris.components.__file__).parent


def installed_catalog(folder: Path, **policy: tuple[str, ...]) -> Catalog:
    with installed(folder):
        return catalog.load(registry.load(Policy(**policy)))


def rows(found: Catalog, family: str) -> list[dict[str, object]]:
    return [row for row in found.listed() if row["family"] == family]


def test_every_folder_with_a_spec_is_a_component_and_each_is_sound() -> None:
    """DESIGN 4: every field is enforced, each example validates."""
    found = catalog.load(registry.load(Policy(allow=())))
    assert set(found.names()) == {path.parent.name for path in COMPONENTS.glob("*/spec.yaml")} != set()
    assert {name: faults for name in found.names() if (faults := audit(found.get(name)))} == {}


def test_every_built_in_component_has_the_class_that_carries_it_out() -> None:
    """LESSONS 22: writers with a spec and no driver."""
    known = registry.load(Policy(allow=()))
    for name in catalog.load(known).names():
        assert known.implementation(name).__name__.lower() == name.rpartition(".")[2].rpartition("_")[2]


def test_the_capabilities_are_those_of_the_classes() -> None:
    """DESIGN 4: capability flags are checked against the classes' mixins."""
    from osiris.connectors.base import AtLeastOnce, Discovers, Extractor

    known = registry.load(Policy(allow=()))
    found = catalog.load(known)
    for component in [found.get(name) for name in found.names()]:
        carried_by = known.implementation(component.name)
        actual = {
            "discover": component.role != "processor" and issubclass(known.client(component.family), Discovers),
            "splits": component.role == "extractor" and carried_by.plan is not Extractor.plan,
            "atomic": component.role == "writer" and not issubclass(carried_by, AtLeastOnce),
        }
        if component.role == "writer":
            actual["discover"] = component.capabilities["discover"]
        assert dict(component.capabilities) == actual, component.name


def test_the_list_says_what_the_design_promises() -> None:
    (row, *_) = rows(toy_catalog(), "toybox")
    assert row == {
        "name": "toybox.extractor",
        "version": "1.2.0",
        "family": "toybox",
        "modes": ["extract", "discover"],
        "distribution": "osiris-toybox 1.0.0",
        "state": "ok",
    }


def test_an_unknown_component_gets_a_suggestion() -> None:
    found = toy_catalog()
    with pytest.raises(NotFound, match=r'"toybox\.extracter"') as caught:
        found.get("toybox.extracter")
    assert caught.value.hint == 'did you mean "toybox.extractor"?'
    with pytest.raises(NotFound) as caught:
        found.get("toybux.extractor")
    assert caught.value.hint == 'did you mean "toybox.extractor"?'
    with pytest.raises(NotFound) as caught:
        found.get("toybox.xyz")
    assert "toybox.extractor, toybox.writer" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["../../etc", "toybox.extractor/../toybox.writer", "", ".", "toybox."])
def test_a_name_never_leads_out_of_the_specs_folder(name: str) -> None:
    with pytest.raises(NotFound):
        toy_catalog().get(name)


def broken(folder: Path, spec: str) -> Catalog:
    write_package(folder, "parrot", files={"osiris_parrot/components/parrot.extractor/spec.yaml": spec})
    return installed_catalog(folder)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("name: [", "parrot.extractor/spec.yaml:2:1: this is not YAML"),
        (SPEC.format(family="parrot") + "colour: green\n", 'unknown key "colour"'),
        (SPEC.format(family="parrot").replace("{type: string}", "{type: strnig}"), "not a JSON Schema"),
        (SPEC.format(family="parrot") + "examples: [{table: 7}]\n", "example: "),
    ],
    ids=["no YAML", "unknown key", "no schema", "wrong example"],
)
def test_a_broken_spec_is_listed_with_its_reason_and_raised_on_use(tmp_path: Path, spec: str, reason: str) -> None:
    found = broken(tmp_path, spec)
    (row,) = rows(found, "parrot")
    assert row["state"] == "broken"
    assert reason in str(row["reason"])
    with pytest.raises(ConfigError, match=r"parrot\.extractor"):
        found.get("parrot.extractor")


def test_a_broken_spec_leaves_the_others_alone(tmp_path: Path) -> None:
    found = broken(tmp_path, "nonsense")
    assert {row["state"] for row in found.listed() if row["family"] != "parrot"} == {"ok"}


def test_a_broken_or_disabled_family_is_listed(tmp_path: Path) -> None:
    write_package(tmp_path, "parrot", value="osiris_gone")
    assert [row["state"] for row in rows(installed_catalog(tmp_path), "parrot")] == ["broken"]
    write_package(tmp_path / "b", "macaw")
    assert [row["state"] for row in rows(installed_catalog(tmp_path / "b", deny=("macaw",)), "macaw")] == ["disabled"]


def test_a_package_without_specs_is_broken(tmp_path: Path) -> None:
    write_package(tmp_path, "parrot")
    shutil.rmtree(tmp_path / "osiris_parrot" / "components")
    (row,) = rows(installed_catalog(tmp_path), "parrot")
    assert (row["state"], "no component spec" in str(row["reason"])) == ("broken", True)


def test_a_missing_library_is_told_with_the_command_that_brings_it(tmp_path: Path) -> None:
    needs = "x-runtime: {requirements: [no-such-lib-xy>=2]}\n"
    spec = {"osiris_parrot/components/parrot.extractor/spec.yaml": SPEC.format(family="parrot") + needs}
    extra = 'Provides-Extra: parrot\nRequires-Dist: no-such-lib-xy>=2; extra == "parrot"\n'
    write_package(tmp_path, "parrot", files=spec, metadata=extra)
    with installed(tmp_path):
        (row,) = rows(installed_catalog(tmp_path), "parrot")
    assert row["state"] == "missing extra"
    assert str(row["reason"]).startswith("needs no-such-lib-xy>=2; run: ")
    assert str(row["reason"]).endswith('pip install "osiris-parrot[parrot]"')


def test_the_digest_is_that_of_the_content_not_of_the_layout(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    text = SPEC.format(family="parrot")
    write_package(one, "parrot")
    spaced = "# a comment\n" + text.replace("title: reads parrot", 'title:   "reads parrot"')
    write_package(other, "parrot", files={"osiris_parrot/components/parrot.extractor/spec.yaml": spaced})
    digests = {installed_catalog(folder).get("parrot.extractor").digest for folder in (one, other)}
    assert len(digests) == 1
    changed = text.replace("string", "integer")
    write_package(other, "parrot", files={"osiris_parrot/components/parrot.extractor/spec.yaml": changed})
    assert installed_catalog(other).get("parrot.extractor").digest not in digests


def test_reading_a_spec_loads_no_library_that_is_slow_to_load() -> None:
    """A run of one row has 0.6 s: neither a schema library nor a database belongs into it for a look at a spec."""
    program = (
        "import sys\nfrom osiris.connectors import registry\nfrom osiris.components import catalog\n"
        "found = catalog.load(registry.load(registry.Policy(allow=())))\n"
        "for name in found.names(): found.get(name)\n"
        "print(sorted({'jsonschema', 'pyarrow', 'duckdb', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_familys_connection_has_the_fields_of_all_its_components() -> None:
    rules = toy_catalog().connection_rules("toybox")
    assert set(rules.names) == {"folder", "password", "size", "ratio", "locked", "labels", "dsn", "behaviour"}
    assert rules.schema["required"] == ["folder"]
    assert rules.constraints == [{"at_most_one_of": ["dsn", "labels"]}]
    assert (rules.secrets, rules.aliases) == (("/password",), {"dir": "folder"})
