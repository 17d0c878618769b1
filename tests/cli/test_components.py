"""`osiris components`: everything that can be used, and what each may be asked."""

from __future__ import annotations

import pytest

from osiris.cli.verbs.components import type_text
from osiris.connectors import registry
from tests.cli.conftest import Osiris


def test_every_family_is_listed(osiris: Osiris) -> None:
    done = osiris("components", "list", "--json")
    assert done.code == 0
    rows = done.document("components-list")["components"]
    assert {row["family"] for row in rows} == set(registry.families())
    told = osiris("components", "list")
    assert all(row["name"] in told.out for row in rows)


def test_one_family_can_be_asked_for_and_an_unknown_one_is_a_wrong_call(osiris: Osiris) -> None:
    """LESSONS 18: `list` exited 0 on an unknown family."""
    rows = osiris("components", "list", "--family", "filesystem", "--json").document("components-list")["components"]
    assert {row["family"] for row in rows} == {"filesystem"}
    done = osiris("components", "list", "--family", "filesytem", "--json")
    assert done.code == 2
    assert done.document("components-list")["error"]["hint"] == 'did you mean "filesystem"?'


def names() -> list[str]:
    from osiris.components import catalog

    return catalog.load(registry.load()).names()


@pytest.mark.parametrize("name", names())
def test_every_component_can_be_shown_with_all_its_options(osiris: Osiris, name: str) -> None:
    document = osiris("components", "show", name, "--json").document("components-show")
    told = osiris("components", "show", name)
    assert told.code == 0
    assert document["options"]
    for option in document["options"] + document["connection_fields"]:
        assert option["name"] in told.out
        assert option["description"], f"{name}: {option['name']} has no description"


def test_an_unknown_component_is_a_wrong_call(osiris: Osiris) -> None:
    done = osiris("components", "show", "filesystem.csv_extracter", "--json")
    assert done.code == 2
    assert done.document("components-show")["error"]["hint"] == 'did you mean "filesystem.csv_extractor"?'


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"enum": ["lf", "crlf"]}, "lf | crlf"),
        ({"type": "array", "items": {"type": "integer"}}, "list of integer"),
        ({"type": ["array", "string"], "items": {"type": "string"}}, "list of string or string"),
        ({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, "string or list of string"),
        ({"type": "object"}, "map"),
        ({"const": 1}, "1"),
        ({}, "any"),
    ],
)
def test_types_read_as_words(schema: dict[str, object], text: str) -> None:
    assert type_text(schema) == text
