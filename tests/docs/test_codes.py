"""The reference lists every error code that Osiris raises, none that it does not, each with what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import osiris
from docs.codes import CLASSES, codes
from tests.docs.blocks import ROOT

pytestmark = pytest.mark.slow

SOURCES = [path for path in Path(osiris.__file__).parent.rglob("*.py") if "testing" not in path.parts]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]+) \| ([\d, ]+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
PAGE = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8").partition("## Codes")[2]
LISTED = {row[0]: row[1:] for row in ROW.findall(PAGE)}


def test_every_code_that_a_search_finds_is_listed() -> None:
    """A plain search, so that what the generator overlooks is seen."""
    raised = set(re.findall(r'\bcode="([a-z_.]+)"', TEXT))
    raised |= set(re.findall(r'\.(?:error|warn)\(\s*"([a-z_]+\.[a-z_.]+)"', TEXT))
    raised |= set(re.findall(r'\bProblem\([^"]*"([a-z_]+\.[a-z_.]+)"', TEXT))
    assert len(raised) > 150
    assert sorted(raised - set(LISTED)) == []


def test_none_is_listed_that_no_source_has() -> None:
    assert [code for code in LISTED if f'"{code}"' not in TEXT] == []
    assert list(LISTED) == sorted(LISTED, key=lambda code: (code.partition(".")[0] if "." in code else "others", code))


def test_each_has_its_classes_exit_codes_and_what_to_do() -> None:
    for code, (kinds, exits, says, to_do) in LISTED.items():
        names = [name for name in kinds.split("<br>") if name != "warning"]
        assert set(names) <= set(CLASSES), code
        expected = {str(CLASSES[name].exit_code) for name in names} | ({"0"} if "warning" in kinds else set())
        assert set(exits.split(", ")) == expected, code
        assert says.strip(), code
        assert to_do.strip(), code


def test_texts_and_hints_are_found_wherever_they_stand() -> None:
    known = codes()
    assert "this is not YAML: …" in known["yaml.syntax"].says, "written at the call"
    assert list(known["columns.duplicate"].says) == ['two columns would be called "…"'], "in a name, set just before"
    assert list(known["pipeline.unknown_key"].says) == ['unknown key "…" of …'], "in the function that is called"
    assert known["csv.unclosed"].classes == {"DataError"}, "of the error that the function makes"
    assert 'did you mean "…"?' in known["component.unknown"].hints
    assert known["connection.field_type"].says == known["option.type"].says, "renamed by a table"
    assert known["option.deprecated"].classes == {"warning"}
