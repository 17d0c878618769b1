"""The published schema of a pipeline: it knows the installed components, and says what the checker says of shapes.

That it accepts whatever the checker accepts, and refuses what it refuses for its shape, is held in `World.check` for
every pipeline of these tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from osiris import documents
from osiris.compile import keys
from osiris.compile.check_steps import COMPONENT_MODES
from osiris.compile.schema import pipeline_schema
from osiris.components import catalog
from osiris.components.component import Component
from osiris.connectors import registry

from .conftest import World

KNOWN = catalog.load(registry.load(registry.Policy(allow=())))
COMPONENTS = [KNOWN.get(name) for name in KNOWN.names()]
SCHEMA = pipeline_schema(COMPONENTS)


def test_it_is_a_schema_that_needs_no_other_document(world: World) -> None:
    schema = pipeline_schema([world.catalog.get(name) for name in world.catalog.names()])
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:osiris:pipeline:0.1.0"
    references = set(re.findall(r"'\$ref': '([^']+)'", str(schema)))
    assert references == {f"#/$defs/{name}" for name in world.catalog.names()}


def test_each_key_is_described() -> None:
    tables = (keys.TOP, keys.STEP, keys.RETRY, keys.COLUMN, keys.PARAM, keys.PROFILE)
    assert [key for table in tables for key, schema in table.items() if not schema["description"].endswith(".")] == []


def examples() -> list[tuple[Component, dict[str, Any]]]:
    return [(component, dict(example)) for component in COMPONENTS for example in component.examples]


@pytest.mark.parametrize(("component", "example"), examples(), ids=lambda value: getattr(value, "name", ""))
def test_every_example_of_every_component_is_accepted(component: Component, example: dict[str, Any]) -> None:
    mode = next(mode for mode, name in COMPONENT_MODES.items() if name in component.modes)
    step = {"id": "a", "component": component.name, "mode": mode, "config": example}
    Draft202012Validator(SCHEMA).validate({"oml_version": "0.1.0", "name": "p", "steps": [step]})


READ = "- {id: r, component: shop.extractor, mode: read, config: {table: t%s}}\n"
WRITE = "- {id: w, component: shop.writer, mode: write, config: {table: t%s}}\n"
MISTAKES = {
    "a misspelt key of a step": ("- {id: r, component: shop.extractor, mode: read, confg: {table: t}}\n", "confg"),
    "a misspelt component": (READ.replace("extractor", "extracter") % "", "shop.extracter"),
    "a misspelt option": (READ % ", limt: 1", "limt"),
    "an option of another component": (READ % ", write_mode: append", "write_mode"),
    "a number in quotes": (READ % ', limit: "3"', "'3'"),
    "a number out of range": (READ % ", limit: 0", "0 is less than"),
    "two that exclude each other": (READ % ", query: select 1", "valid under each of"),
    "neither of two": ("- {id: r, component: shop.extractor, mode: read, config: {limit: 3}}\n", "not valid under any"),
    "no config where there must be one": ("- {id: r, component: shop.extractor, mode: read}\n", "'config'"),
    "a value that is none of the choices": (READ % "" + WRITE % ", write_mode: upsrt", "upsrt"),
    "a choice that needs another option": (READ % "" + WRITE % ", write_mode: upsert", "not valid under any"),
    "a mode that the component has not": (READ.replace("mode: read", "mode: write") % "", "'write'"),
    "no id": ("- {component: shop.extractor, mode: read, config: {table: t}}\n", "'id'"),
    "an empty id": (READ.replace("id: r", 'id: ""') % "", "''"),
    "an empty mode": (READ.replace("mode: read", 'mode: ""') % "", "''"),
    "an id with a blank": (READ.replace("id: r", "id: r r") % "", "r r"),
    "columns on a step that reads": (READ.replace("mode: read", "mode: read, columns: [{from: a}]") % "", "null"),
    "a column without from": (WRITE.replace("mode: write", "mode: write, columns: [{to: a}]") % "", "'from'"),
    "a duration without a unit": (READ.replace("mode: read", 'mode: read, timeout: "30"') % "", "'30'"),
    "more attempts than there may be": (READ.replace("mode: read", "mode: read, retry: 1000") % "", "1000"),
    "a password in the pipeline": (READ % ", password: hunter2", "hunter2"),
    "a forbidden override": (READ % ', connection: "@shop.main", host: x', "False schema"),
    "a connection of another family": (READ % ', connection: "@box.main"', "@box.main"),
    "a connection without its @": (READ % ", connection: shop.main", "shop.main"),
    "a former name beside the present one": (READ % ", chunk: 1, batch_size: 1", "False schema"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_typical_mistake_is_refused_by_schema_and_checker(world: World, mistake: str) -> None:
    text, told = MISTAKES[mistake]
    assert not world.steps(text).valid
    document = documents.loads(f'oml_version: "0.1.0"\nname: p\nsteps:\n{text}', "p.yaml").value
    messages = [message for error in world.schema.iter_errors(document) for message in all_of(error)]
    assert [message for message in messages if told in message], messages


def all_of(error: ValidationError) -> Iterator[str]:
    """What is wrong, and what is wrong in each branch of a choice."""
    yield error.message
    for part in error.context or ():
        yield from all_of(part)


@pytest.mark.parametrize(
    "text",
    [
        "{x: {type: int, default: ten}}",
        "{x: {type: integer, default: 1.5}}",
        "{x: {type: date, default: today}}",
        "{x: {type: string, enum: [1]}}",
        "{x: {secret: true, default: hunter2}}",
        "{x: {secret: 1}}",
        "{x: {type: text}}",
        "{x: {defualt: 1}}",
        "{1x: 1}",
        "[x]",
    ],
)
def test_a_wrong_param_is_refused_by_schema_and_checker(world: World, text: str) -> None:
    whole = f'oml_version: "0.1.0"\nname: p\nparams: {text}\nsteps:\n{READ % ""}'
    assert not world.check(whole).valid
    assert not world.schema.is_valid(documents.loads(whole, "p.yaml").value)


def test_a_former_option_is_accepted_and_marked(world: World) -> None:
    assert world.steps(READ % ", chunk: 3" + WRITE % "").valid
    config = pipeline_schema([world.catalog.get("shop.extractor")])["$defs"]["shop.extractor"]["properties"]["config"]
    assert config["properties"]["chunk"]["deprecated"] is True


def test_an_editor_has_the_words_of_the_specs() -> None:
    config = SCHEMA["$defs"]["duckdb.writer"]["properties"]["config"]
    spec = KNOWN.get("duckdb.writer").config_schema["properties"]
    assert set(config["properties"]) == {"connection", *spec}
    for name, part in spec.items():
        assert config["properties"][name]["title"] == part["title"]
    assert config["properties"]["write_mode"]["anyOf"][0]["enum"] == ["append", "replace", "upsert"]
