"""The client: which transport is chosen, by what it says so, and what neither of them does is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from osiris.components import catalog
from osiris.connectors import registry
from osiris.connectors.base import Options, Workspace
from osiris.connectors.supabase.by_rest import ByRest
from osiris.connectors.supabase.by_sql import BySql
from osiris.connectors.supabase.extractor import Extractor
from osiris.errors import AuthFailed, ConfigError
from tests.connectors.supabase.projects import by_sql, made, over_rest
from tests.servers.postgres import Database
from tests.servers.postgrest.server import Rest

DSN, URL = "postgresql://u:p@127.0.0.1:1/x", "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"dsn": DSN, "url": URL, "key": "sb_secret_x"}, BySql),
        ({"pg_host": "127.0.0.1"}, BySql),
        ({"url": URL, "key": "sb_secret_x"}, ByRest),
        ({}, ByRest),
        ({"transport": "rest", "dsn": DSN}, ByRest),
        ({"transport": "postgres", "url": URL, "key": "sb_secret_x"}, BySql),
    ],
)
def test_the_transport_is_what_is_given_or_follows_from_the_dsn(fields: dict[str, Any], wanted: type) -> None:
    assert isinstance(made(**fields).transport, wanted)


@pytest.mark.server
def test_it_says_which_transport_it_takes_and_why(
    database: Database, rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for client in (by_sql(database), over_rest(rest), over_rest(rest, transport="rest")):
            client.open()
            client.close()
    assert [record.getMessage() for record in caplog.records if "transport:" in record.getMessage()] == [
        "@supabase.x: transport: postgres, since dsn or pg_host is given",
        "@supabase.x: transport: rest, since dsn or pg_host is not given",
        "@supabase.x: transport: rest, as the connection says",
    ]


@pytest.mark.server
def test_a_wrong_key_does_not_open(rest: Rest) -> None:
    client = over_rest(rest, key="sb_secret_wrong")
    with pytest.raises(AuthFailed, match="Invalid API key"):
        client.open()


@pytest.mark.parametrize(
    "options", [{"rpc": "totals"}, {"table": "t", "filters": [{"column": "n", "op": "eq", "value": 1}]}]
)
def test_what_only_rest_does_is_refused_by_sql_before_anything_is_read(options: dict[str, Any], tmp_path: Path) -> None:
    extractor = Extractor(made(dsn=DSN), Options(options), Workspace(tmp_path, tmp_path))
    with pytest.raises(ConfigError) as caught:
        extractor.dataset()
    assert (caught.value.code, caught.value.exit_code) == ("option.transport", 2)


@pytest.mark.parametrize(
    ("component", "config"),
    [
        ("supabase.writer", {"table": "t", "write_mode": "replace"}),
        ("supabase.writer", {"table": "t", "create_if_missing": True}),
        ("supabase.writer", {"table": "t", "on_schema_change": "add_columns"}),
        ("supabase.extractor", {"query": "SELECT 1"}),
        ("supabase.extractor", {"table": "t", "where": "n > 1"}),
    ],
)
def test_validate_refuses_what_a_step_asks_of_rest_that_it_cannot_do(component: str, config: dict[str, Any]) -> None:
    known = catalog.load(registry.load()).get(component)
    (problem,) = known.problems({**config, "transport": "rest"})
    assert problem.code == "option.constraint"
    assert "dsn" in problem.message
    assert known.problems({**config, "transport": "postgres"}) == []


def test_both_names_of_a_key_in_the_dashboard_are_names_of_the_field() -> None:
    known = catalog.load(registry.load()).get("supabase.extractor")
    for name in ("service_role_key", "anon_key"):
        assert known.fold_aliases({name: "sb_secret_x"})[0] == {"key": "sb_secret_x"}
