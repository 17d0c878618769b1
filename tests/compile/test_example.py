"""Examples made of specs: which fields of a connection they need, and specs that give nothing to go by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from osiris.compile.example import Example, connection, example_of
from osiris.components import catalog as catalogs
from osiris.components.catalog import Catalog
from osiris.components.rules import Rules
from osiris.connectors.registry import Provider, Registry
from osiris.errors import ConfigError

from .conftest import World

TEXT = {"type": "string"}


def rules(properties: Mapping[str, Any], **more: Any) -> Rules:
    required = [name for name, part in properties.items() if part.get("must")]
    parts = {name: {key: value for key, value in part.items() if key != "must"} for name, part in properties.items()}
    schema = {"type": "object", "properties": parts, "required": required, "additionalProperties": False}
    return Rules("shop connections", schema, **more)


def test_required_fields_and_secrets_are_variables_and_other_fields_are_left_out() -> None:
    known = rules({"host": {**TEXT, "must": True}, "note": TEXT, "api-key": TEXT}, secrets=("/api-key",))
    assert connection(known, {}) == {"host": "${SHOP_HOST}", "api-key": "${SHOP_API_KEY}"}


def test_a_field_with_an_example_has_it_unless_it_is_a_secret() -> None:
    part = {**TEXT, "examples": ["data"]}
    assert connection(rules({"folder": part}), {}) == {"folder": "data"}
    assert connection(rules({"folder": part}, secrets=("/folder",)), {}) == {"folder": "${SHOP_FOLDER}"}


def test_what_the_step_s_example_gives_is_kept() -> None:
    assert connection(rules({"host": {**TEXT, "must": True}}), {"host": "db"}) == {"host": "db"}


def test_one_of_several_is_chosen_and_a_secret_that_excludes_it_is_not() -> None:
    constraints = [{"exactly_one_of": ["host", "dsn"]}, {"all_or_none": ["host", "user"]}]
    known = rules({"dsn": TEXT, "host": TEXT, "user": TEXT}, constraints=constraints, secrets=("/dsn",))
    assert connection(known, {}) == {"host": "${SHOP_HOST}"}
    assert connection(known, {"host": "h", "user": "u"}) == {"host": "h", "user": "u"}
    only = rules({"dsn": TEXT, "host": TEXT}, constraints=[{"exactly_one_of": ["dsn", "host"]}], secrets=("/dsn",))
    assert connection(only, {}) == {"dsn": "${SHOP_DSN}"}


def test_what_a_default_asks_for_is_there() -> None:
    constraints = [{"when": {"by": "key"}, "require": ["key"]}, {"when": {"by": "login"}, "require": ["user"]}]
    known = rules({"by": {**TEXT, "default": "key"}, "key": TEXT, "user": TEXT}, constraints=constraints)
    assert connection(known, {}) == {"key": "${SHOP_KEY}"}


@pytest.fixture
def catalog(world: World) -> Catalog:
    """The world's specs, a reader among them that needs no more than its name tells."""
    specs = world.root / "specs"
    text = (specs / "shop.writer" / "spec.yaml").read_text().replace("shop.writer", "shop.copy_extractor")
    (specs / "shop.copy_extractor").mkdir()
    text = text.replace("[write]", "[extract]").replace("atomic: true", "atomic: false")
    (specs / "shop.copy_extractor" / "spec.yaml").write_text(text)
    providers = {f: Provider(f, f"osiris_{f}", specs, "world", "1", builtin=False) for f in ("shop", "box", "loose")}
    return catalogs.load(Registry(providers))


def components(made: Example) -> list[str]:
    return [step["component"] for step in made.pipeline["steps"]]


def test_without_an_example_the_required_options_are_made_up(catalog: Catalog) -> None:
    made = example_of(catalog, "shop.writer")
    assert made.pipeline["steps"][-1]["config"] == {"connection": "@shop.example", "table": "table"}
    assert made.connections["shop"]["example"] == {"host": "${SHOP_HOST}", "password": "${SHOP_PASSWORD}"}


def test_a_family_without_connection_fields_gets_no_connection(catalog: Catalog) -> None:
    made = example_of(catalog, "box.processor")
    assert components(made) == ["shop.copy_extractor", "box.processor", "loose.writer"]
    assert [("connection" in step["config"]) for step in made.pipeline["steps"]] == [True, False, False]


def test_a_spec_that_gives_nothing_to_go_by_is_told_and_is_no_partner(catalog: Catalog) -> None:
    """shop.extractor needs table or query, and which of them nobody says."""
    assert components(example_of(catalog, "loose.writer")) == ["shop.copy_extractor", "loose.writer"]
    with pytest.raises(ConfigError, match=r"the spec of shop\.extractor has no example") as raised:
        example_of(catalog, "shop.extractor")
    assert "components show shop.extractor" in str(raised.value.hint)


def test_a_broken_spec_is_no_partner(catalog: Catalog, world: World) -> None:
    (world.root / "specs" / "loose.writer" / "spec.yaml").write_text("name: loose.writer\n")
    assert components(example_of(catalog, "shop.copy_extractor")) == ["shop.copy_extractor", "shop.writer"]


def test_without_a_partner_there_is_no_example(world: World) -> None:
    with pytest.raises(ConfigError, match="there is no extractor with an example"):
        example_of(world.catalog, "loose.writer")
