"""The REST interface as a connection names it: what is sent there, and whose answers are taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris import __version__
from osiris.connectors.base import Connection
from osiris.connectors.supabase.rest.postgrest import PostgREST
from osiris.errors import Cancelled, ConfigError, NotFound, SourceError
from tests.servers.postgrest.faults import moved
from tests.servers.postgrest.server import Rest
from tests.servers.web import Reply, Web


def made(**fields: Any) -> PostgREST:
    return PostgREST(Connection("supabase", "x", Path(), fields))


@pytest.fixture
def api(rest: Rest) -> Iterator[PostgREST]:
    rest.database.sql('CREATE TABLE "ž a?b" (n INT)', 'INSERT INTO "ž a?b" VALUES (1)')
    found = made(url=rest.url, key=rest.secret_key)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"project_id": "abcdefghijklmnopqrst"}, "https://abcdefghijklmnopqrst.supabase.co/rest/v1"),
        ({"url": "https://x.supabase.co/"}, "https://x.supabase.co/rest/v1"),
        ({"url": "https://x.supabase.co/rest/v1/"}, "https://x.supabase.co/rest/v1"),
        ({"url": "http://localhost:3000", "rest_path": ""}, "http://localhost:3000"),
        ({"url": "http://localhost:3000/a", "rest_path": "b/"}, "http://localhost:3000/a/b"),
    ],
)
def test_the_address_follows_from_the_fields(fields: dict[str, Any], wanted: str) -> None:
    assert made(**fields).url == wanted


def test_without_a_key_or_an_address_it_says_what_to_give() -> None:
    with pytest.raises(ConfigError, match="needs url or project_id"):
        _ = made(key="sb_secret_x").url
    with pytest.raises(ConfigError, match="needs key"):
        made(url="http://127.0.0.1:1").probe()


def test_a_key_with_a_line_break_is_told() -> None:
    with pytest.raises(ConfigError, match="a line break"):
        made(url="http://127.0.0.1:1", key="sb_secret_x\n").probe()


@pytest.mark.server
def test_names_and_values_are_encoded(api: PostgREST) -> None:
    assert api.get("ž a?b", [("n", "in.(1,2)")]).json() == [{"n": 1}]


@pytest.mark.server
def test_a_request_says_who_asks_and_for_which_schema(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t (n INT)")
    for key in (rest.secret_key, rest.service_key):
        api = made(url=rest.url, key=key, schema="public")
        api.get("t")
        api.post("t", [], b'[{"n": 1}]', {"prefer": "return=minimal"}, idempotent=False)
        api.close()
    sent = [asked.headers for asked in rest.asked]
    assert [one.get("authorization") for one in sent] == [None, None, *[f"Bearer {rest.service_key}"] * 2]
    assert {one["user-agent"] for one in sent} == {f"osiris/{__version__}"}
    assert [(one.get("accept-profile"), one.get("content-profile")) for one in sent[:2]] == [
        ("public", None),
        (None, "public"),
    ]
    assert rest.database.sql("SELECT n FROM t") == [(1,), (1,)]


@pytest.mark.server
def test_what_another_host_answers_is_not_taken(rest: Rest, api: PostgREST) -> None:
    with Web(lambda asked: Reply(200, b"[]")) as stranger:
        rest.faults.append(moved(f"{stranger.url}/rest/v1/t"))
        with pytest.raises(SourceError, match="another host") as caught:
            api.get("t")
        assert caught.value.code == "http.redirect"
        assert [asked.headers.get("apikey") for asked in stranger.asked] == [None]


@pytest.mark.server
def test_the_description_is_read_once_and_none_where_it_is_closed(rest: Rest, api: PostgREST) -> None:
    description = api.description()
    assert description is not None
    assert "ž a?b" in description["definitions"]
    assert api.description() is description
    closed = made(url=rest.url, key=rest.publishable_key)
    assert closed.description() is None
    closed.close()


@pytest.mark.server
def test_a_table_that_is_missing_is_asked_for_once(rest: Rest, api: PostgREST) -> None:
    with pytest.raises(NotFound) as caught:
        api.get("nothing")
    assert caught.value.code == "table.missing"
    assert [asked.path for asked in rest.asked] == ["/rest/v1/nothing"]


def test_an_interrupt_before_the_first_request_holds() -> None:
    api = made(url="http://127.0.0.1:1", key="sb_secret_x")
    worker = threading.Thread(target=api.interrupt)
    worker.start()
    worker.join()
    with pytest.raises(Cancelled):
        api.get("t")
