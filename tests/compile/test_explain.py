"""`explain`: for each value of a step the place that it comes from, with nothing looked up and nothing secret shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from osiris.compile.explain import explain
from osiris.compile.explained import Explained, ExplainedStep, Setting
from osiris.components import catalog as catalogs
from osiris.connectors.registry import Provider, Registry
from tests.packages import SPEC

from .conftest import World

PIPELINE = """\
oml_version: "0.1.0"
name: p
params:
  table: {type: string, default: orders}
  rows: {type: int, default: 5}
  database: prod
  day: {type: date}
  pin: {type: string, secret: true}
profiles:
  dev:
    params: {table: cubs}
steps:
  - id: read
    component: shop.extractor
    mode: read
    timeout: 5m
    retry: 3
    config:
      connection: "@shop.test"
      table: "${params.table}_${params.day}"
      limit: ${params.rows}
      chunk: 7
      database: ${params.database}
  - id: turn
    component: box.processor
    mode: transform
    config: {query: "select '${params.pin}'"}
  - id: write
    component: shop.writer
    mode: write
    needs: [turn]
    columns: [{from: a, to: b, type: int64}, {from: c}]
    config: {table: copy}
"""
EACH = """\
  - {id: a, component: shop.extractor, mode: read, config: {table: t}}
  - {id: first, component: shop.writer, mode: write, config: {table: x}}
  - id: each-${item.n}
    component: shop.extractor
    mode: read
    needs: [first]
    for_each: [{n: one}, {n: two}]
    config: {table: "${item.n}"}
  - id: join
    component: box.processor
    mode: transform
    needs: ["each-${item.n}"]
    config: {query: q}
  - {id: second, component: shop.writer, mode: write, config: {table: y}}
"""


def explained(
    world: World, text: str = PIPELINE, params: Mapping[str, str] | None = None, profile: str | None = None
) -> Explained:
    checked = world.check(text, {"day": "2026-01-31", **(params or {})}, profile)
    assert checked.pipeline is not None, [str(issue) for issue in checked.errors]
    return explain(checked.pipeline, world.connections)


def by_id(found: Explained) -> dict[str, ExplainedStep]:
    return {step.id: step for step in found.steps}


def settings(step: ExplainedStep) -> dict[str, Setting]:
    return {setting.name: setting for setting in (*step.options, *step.settings)}


def fields(step: ExplainedStep) -> dict[str, Setting]:
    assert step.connection is not None
    return {setting.name: setting for setting in step.connection.fields}


def uses(setting: Setting) -> list[tuple[str, str]]:
    return [(use.reference, use.origin) for use in setting.uses]


def test_an_option_of_the_pipeline_has_its_line_and_the_origin_of_each_param_in_it(world: World) -> None:
    table = settings(by_id(explained(world))["read"])["table"]
    assert (table.value, table.origin, table.line) == ("orders_2026-01-31", "pipeline", 20)
    assert table.file == str(world.root / "p.yaml")
    assert uses(table) == [("params.table", "default"), ("params.day", "command_line")]


def test_a_param_comes_from_the_first_place_that_gives_it(world: World) -> None:
    def origins(**more: Any) -> dict[str, tuple[Any, str]]:
        return {param.name: (param.value, param.origin) for param in explained(world, **more).params}

    assert origins()["table"] == ("orders", "default")
    assert origins(profile="dev")["table"] == ("cubs", "profile")
    world.environ["OSIRIS_PARAM_TABLE"] = "wolves"
    assert origins(profile="dev")["table"] == ("wolves", "environment")
    assert origins(params={"table": "foxes"}, profile="dev")["table"] == ("foxes", "command_line")


def test_a_param_stands_where_its_value_does(world: World) -> None:
    lines = {param.name: param.line for param in explained(world).params}
    assert lines == {"table": 4, "rows": 5, "database": 6, "day": 7, "pin": 8}
    assert {param.name: param.line for param in explained(world, profile="dev").params}["table"] == 11


def test_what_nobody_set_is_a_default_without_a_place_and_a_former_name_is_told(world: World) -> None:
    read = settings(by_id(explained(world))["read"])
    assert (read["batch_size"].value, read["batch_size"].origin) == (7, "pipeline")
    assert (read["batch_size"].written, read["batch_size"].line) == ("chunk", 22)
    write = settings(by_id(explained(world))["write"])
    assert (write["write_mode"].value, write["write_mode"].origin, write["write_mode"].line) == (
        "append",
        "default",
        None,
    )


def test_a_step_s_own_keys_are_as_they_will_be_used(world: World) -> None:
    steps = by_id(explained(world))
    read, write = settings(steps["read"]), settings(steps["write"])
    assert (read["timeout"].value, read["timeout"].line) == (300.0, 16)
    assert read["retry"].value == {"attempts": 3, "backoff_s": 1.0, "max_backoff_s": 60.0}
    assert write["columns"].value == [{"from": "a", "to": "b", "type": "int64"}, {"from": "c", "to": "c"}]


def test_a_connection_s_fields_say_what_is_set_and_what_the_step_replaces(world: World) -> None:
    step = by_id(explained(world))["read"]
    found = fields(step)
    assert step.connection is not None
    assert (step.connection.reference, step.connection.why, step.connection.named_line) == ("@shop.test", "named", 19)
    assert step.connection.line == 6
    database = found["database"]
    assert (database.value, database.origin, database.replaces, database.line) == ("prod", "override", "test", 23)
    assert uses(database) == [("params.database", "default")]
    assert (found["host"].value, found["host"].origin, found["host"].line) == ("localhost", "connection", 6)
    assert (found["port"].value, found["port"].origin, found["port"].file) == (3306, "default", None)


def test_no_variable_is_needed_and_those_that_are_not_set_are_named(world: World) -> None:
    step = by_id(explained(world))["write"]
    password = fields(step)["password"]
    assert (password.value, password.unset) == ("${SHOP_PASSWORD}", ("SHOP_PASSWORD",))
    assert step.connection is not None
    assert step.connection.unset == ["SHOP_PASSWORD"]


def test_why_it_is_this_connection(world: World) -> None:
    def why(text: str) -> str:
        (world.root / "osiris_connections.yaml").write_text("version: 1\nconnections: {shop: {" + text + "}}")
        world.connections = type(world.connections).load(world.root, world.catalog, {})
        step = by_id(explained(world, PIPELINE.replace("@shop.test", "@shop.one")))["write"]
        assert step.connection is not None
        return f"{step.connection.reference} {step.connection.why}"

    assert why("one: {host: h}") == "@shop.one only_one"
    assert why("one: {host: h}, default: {host: h}") == "@shop.default called_default"
    assert why("one: {host: h}, default: {host: h}, two: {host: h, default: true}") == "@shop.two default_true"


def test_without_a_connection_its_fields_are_the_step_s_or_defaults(world: World) -> None:
    (world.root / "osiris_connections.yaml").unlink()
    world.connections = type(world.connections).load(world.root, world.catalog, {})
    text = 'oml_version: "0.1.0"\nname: p\nsteps:\n'
    text += "  - {id: r, component: shop.extractor, mode: read, config: {table: t, host: h}}\n"
    text += "  - {id: w, component: shop.writer, mode: write, config: {table: t, host: h, database: d}}\n"
    step = by_id(explained(world, text.replace("name: p\n", "name: p\nparams: {day: x}\n")))["w"]
    assert step.connection is None
    found = settings(step)
    assert [(found[name].value, found[name].origin) for name in ("host", "port")] == [
        ("h", "pipeline"),
        (3306, "default"),
    ]


def test_secrets_are_named_and_never_shown(world: World) -> None:
    """LESSONS 15."""
    world.environ["OSIRIS_PARAM_PIN"] = "hunter2-of-the-test"
    found = explained(world)
    (pin,) = [param for param in found.params if param.secret]
    assert (pin.value, pin.origin) == (None, "environment")
    query = settings(by_id(found)["turn"])["query"]
    assert (query.value, uses(query)) == ("select '${params.pin}'", [("params.pin", "environment")])
    assert "hunter2" not in json.dumps(found.to_json()) + repr(found)


def test_a_secret_option_shows_only_the_name_of_its_param(world: World) -> None:
    text = 'oml_version: "0.1.0"\nname: p\nparams: {pin: {secret: true}, day: x}\nsteps:\n'
    text += "  - {id: r, component: shop.extractor, mode: read, config: {table: t}}\n"
    text += '  - {id: w, component: loose.writer, mode: write, config: {path: x, token: "a-${params.pin}-b"}}\n'
    assert settings(by_id(explained(world, text))["w"])["token"].value == "***${params.pin}***"
    whole = text.replace("a-${params.pin}-b", "${params.pin}")
    assert settings(by_id(explained(world, whole))["w"])["token"].value == "${params.pin}"


def test_the_password_of_a_url_is_hidden_wherever_it_stands(world: World) -> None:
    text = PIPELINE.replace("limit: ${params.rows}", 'columns: ["https://u:open-secret@h/x"]')
    assert "open-secret" not in json.dumps(explained(world, text, {"table": "x://u:open-secret@h"}).to_json())


def test_a_step_without_config_is_all_defaults(world: World) -> None:
    text = 'oml_version: "0.1.0"\nname: p\nparams: {day: x}\nsteps:\n'
    text += "  - {id: r, component: free.extractor, mode: read}\n"
    text += "  - {id: w, component: loose.writer, mode: write, config: {path: x}}\n"
    spec = SPEC.format(family="free").replace("table: {type: string}", "size: {type: integer, default: 7}")
    folder = world.root / "specs" / "free.extractor"
    folder.mkdir()
    (folder / "spec.yaml").write_text(spec + "x-connection-fields: [{name: size, override: allowed}]\n")
    providers = {**world.catalog.registry.providers}
    providers["free"] = Provider("free", "osiris_free", world.root / "specs", "free", "1", builtin=False)
    world.catalog = catalogs.load(Registry(providers))
    (world.root / "osiris_connections.yaml").write_text("version: 1\nconnections: {free: {one: {}}}\n")
    world.connections = type(world.connections).load(world.root, world.catalog, {})
    step = by_id(explained(world, text))["r"]
    assert [(field.value, field.origin) for field in fields(step).values()] == [(7, "default")]
    assert step.options == ()


def test_copies_of_a_step_name_their_item(world: World) -> None:
    found = explained(world, f'oml_version: "0.1.0"\nname: p\nparams: {{day: x}}\nsteps:\n{EACH}')
    step = by_id(found)["each-two"]
    assert step.item is not None
    assert (step.item.value, step.item.number, step.item.of) == ({"n": "two"}, 2, 2)
    assert uses(settings(step)["table"]) == [("item.n", "item")]
    assert (step.item.line, step.item.uses) == (11, ())
    listed = EACH.replace("[{n: one}, {n: two}]", "${params.list}")
    text = f'oml_version: "0.1.0"\nname: p\nparams: {{day: x, list: [{{n: one}}]}}\nsteps:\n{listed}'
    item = by_id(explained(world, text))["each-one"].item
    assert item is not None
    assert [(use.reference, use.origin) for use in item.uses] == [("params.list", "default")]


def test_steps_come_in_the_order_of_the_flows_with_what_they_take_and_wait_for(world: World) -> None:
    found = explained(world, f'oml_version: "0.1.0"\nname: p\nparams: {{day: x}}\nsteps:\n{EACH}')
    assert [(step.id, step.flow) for step in found.steps] == [
        ("a", 1),
        ("first", 1),
        ("each-one", 2),
        ("each-two", 2),
        ("join", 2),
        ("second", 2),
    ]
    steps = by_id(found)
    assert (steps["first"].wired, steps["first"].wired_line) == ("previous_step", None)
    assert (steps["each-one"].step.after, steps["each-one"].wired, steps["each-one"].wired_line) == (
        ("first",),
        "needs",
        10,
    )
    assert steps["join"].step.inputs == ("each-one", "each-two")
    assert steps["a"].wired is None


def test_yaml_anchors_and_merges_lead_to_where_the_value_stands(world: World) -> None:
    text = 'oml_version: "0.1.0"\nname: p\nparams: {day: x}\nmetadata:\n  shared: &shared\n    limit: 3\nsteps:\n'
    text += "  - {id: r, component: shop.extractor, mode: read, config: {<<: *shared, table: t}}\n"
    text += "  - {id: w, component: shop.writer, mode: write, config: {table: t}}\n"
    limit = settings(by_id(explained(world, text))["r"])["limit"]
    assert (limit.value, limit.origin, limit.line) == (3, "pipeline", 6)
