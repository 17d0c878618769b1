"""The stand-in for PostgREST: roles, pages and counts, writes, errors and the schema cache, as PROTOCOLS tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.connectors.patience import until
from tests.servers.postgrest.faults import dropped, unavailable
from tests.servers.postgrest.server import Rest

pytestmark = pytest.mark.server
HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    yield
    HTTP.clear()


def ask(rest: Rest, method: str, path: str, body: object = None, **headers: str) -> urllib3.BaseHTTPResponse:
    """With the service key, unless another is given; `accept_profile` is a header, too."""
    sent = {"apikey": rest.service_key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return HTTP.request(method, f"{rest.url}{rest.settings.prefix}{path}", body=text, headers=sent)


def refusal(answer: urllib3.BaseHTTPResponse) -> tuple[int, str]:
    """The status and code of an error, whose header says the code, too."""
    code = answer.json()["code"]
    assert answer.headers["Proxy-Status"] == f"PostgREST; error={code}"
    return answer.status, code


def paged(answer: urllib3.BaseHTTPResponse) -> tuple[int, str, int]:
    """The status, the range and how many rows there were."""
    return answer.status, answer.headers["Content-Range"], len(answer.json())


@pytest.fixture
def numbers(rest: Rest) -> Rest:
    """A table of five rows."""
    rest.database.sql(
        "CREATE TABLE numbers (id bigint PRIMARY KEY, word text DEFAULT 'none', of_each numeric)",
        "INSERT INTO numbers SELECT i, 'w' || i, i / 10.0 FROM generate_series(1, 5) i",
    )
    return rest


def test_a_page_is_capped_in_silence_and_its_status_depends_on_whether_rows_are_counted(numbers: Rest) -> None:
    numbers.settings.max_rows = 3
    assert paged(ask(numbers, "GET", "/numbers?limit=4")) == (200, "0-2/*", 3)
    assert paged(ask(numbers, "GET", "/numbers?limit=0")) == (200, "*/*", 0)
    assert paged(ask(numbers, "GET", "/numbers?offset=9")) == (200, "*/*", 0)
    count = {"prefer": "count=exact"}
    assert paged(ask(numbers, "GET", "/numbers", **count)) == (206, "0-2/5", 3)
    assert paged(ask(numbers, "GET", "/numbers?id=lt.3", **count)) == (200, "0-1/2", 2)
    assert paged(ask(numbers, "GET", "/numbers?offset=5", **count)) == (206, "*/5", 0)
    assert paged(ask(numbers, "GET", "/numbers", range="1-2", **count)) == (206, "1-2/5", 2)
    assert paged(ask(numbers, "GET", "/numbers?limit=3&offset=-1", range="1-9")) == (200, "1-2/*", 2)
    beyond = ask(numbers, "GET", "/numbers?offset=6", **count)
    assert (refusal(beyond), beyond.headers["Content-Range"]) == ((416, "PGRST103"), "*/5")
    assert refusal(ask(numbers, "GET", "/numbers?limit=-1")) == (416, "PGRST103")
    head = ask(numbers, "HEAD", "/numbers", prefer="count=planned")
    assert (head.status, head.headers["Preference-Applied"], head.data) == (206, "count=planned", b"")


def test_a_function_is_capped_too(numbers: Rest) -> None:
    numbers.database.sql("CREATE FUNCTION every() RETURNS SETOF numbers LANGUAGE sql STABLE AS 'SELECT * FROM numbers'")
    numbers.settings.max_rows = 3
    assert paged(ask(numbers, "POST", "/rpc/every", {})) == (200, "0-2/*", 3)
    assert ask(numbers, "GET", "/rpc/every?select=id&order=id.desc&limit=1").json() == [{"id": 5}]


def test_digits_are_kept_and_names_and_zones_are_obeyed(rest: Rest) -> None:
    rest.database.sql(
        """CREATE TABLE odd ("a,b" numeric, "c""d" bigint, at timestamptz)""",
        "INSERT INTO odd VALUES (12345678901234567890.123456789, 9007199254740993, '2020-01-01 00:00Z')",
    )
    text = ask(rest, "GET", '/odd?select=n:"a,b","c\\"d",at&"c\\"d"=eq.9007199254740993', prefer="timezone=UTC").data
    assert text == (b'[{"n":12345678901234567890.123456789,"c\\"d":9007199254740993,"at":"2020-01-01T00:00:00+00:00"}]')
    strict = ask(rest, "GET", "/odd", prefer="handling=strict, timezone=Nowhere")
    assert refusal(strict) == (400, "PGRST122")


def test_rows_have_the_same_keys_unless_columns_are_named(numbers: Rest) -> None:
    rows: list[dict[str, Any]] = [{"id": 6, "word": "six"}, {"id": 7}]
    assert refusal(ask(numbers, "POST", "/numbers", rows)) == (400, "PGRST102")
    returned = {"prefer": "return=representation"}
    made = ask(numbers, "POST", "/numbers?columns=id,word&select=id,word", rows, **returned)
    assert (made.status, made.json()) == (201, [*rows[:1], {"id": 7, "word": None}])
    defaults = ask(numbers, "POST", "/numbers?columns=id,word&select=word", [{"id": 8}], prefer="missing=default")
    assert (defaults.status, defaults.data) == (201, b"")
    assert defaults.headers["Preference-Applied"] == "missing=default"
    assert numbers.database.sql("SELECT word FROM numbers WHERE id = 8") == [("none",)]


def test_a_body_is_written_whole_or_not_at_all(numbers: Rest) -> None:
    assert refusal(ask(numbers, "POST", "/numbers", [{"id": 6}, {"id": 1}])) == (409, "23505")
    assert refusal(ask(numbers, "POST", "/numbers", [{"id": 6}, {"id": "x"}])) == (400, "22P02")
    assert refusal(ask(numbers, "POST", "/numbers", "[{")) == (400, "PGRST102")
    assert ask(numbers, "POST", "/numbers", "id,word\n6,\n7,NULL\n", content_type="text/csv").status == 201
    assert numbers.database.sql("SELECT id, word FROM numbers WHERE id > 5") == [(6, ""), (7, None)]


def test_an_upsert_says_whether_it_made_rows_and_takes_no_key_twice(numbers: Rest) -> None:
    merge = {"prefer": "resolution=merge-duplicates"}
    assert ask(numbers, "POST", "/numbers", [{"id": 1, "word": "one"}], **merge).status == 200
    assert (
        ask(numbers, "POST", "/numbers", [{"id": 1, "word": "uno"}, {"id": 9, "word": "nine"}], **merge).status == 201
    )
    assert numbers.database.sql("SELECT word FROM numbers WHERE id IN (1, 9) ORDER BY 1") == [("nine",), ("uno",)]
    twice = [{"id": 2, "word": "a"}, {"id": 2, "word": "b"}]
    assert refusal(ask(numbers, "POST", "/numbers", twice, **merge)) == (500, "21000")
    other = ask(numbers, "POST", "/numbers?on_conflict=word", [{"id": 10, "word": "uno"}], **merge)
    assert refusal(other) == (400, "42P10")


def test_no_write_touches_every_row_or_more_than_it_may(numbers: Rest) -> None:
    assert refusal(ask(numbers, "DELETE", "/numbers")) == (400, "21000")
    assert refusal(ask(numbers, "PATCH", "/numbers", {"word": "x"})) == (400, "21000")
    few = {"prefer": "handling=strict, max-affected=1"}
    assert refusal(ask(numbers, "DELETE", "/numbers?id=gt.1", **few)) == (400, "PGRST124")
    assert numbers.database.sql("SELECT count(*), count(DISTINCT word) FROM numbers") == [(5, 5)]
    one = ask(numbers, "DELETE", "/numbers?id=eq.1", prefer="count=exact")
    assert (one.status, one.headers["Content-Range"]) == (204, "*/1")


def test_a_role_sees_what_its_policies_let_it_see(numbers: Rest) -> None:
    numbers.database.sql("ALTER TABLE numbers ENABLE ROW LEVEL SECURITY", "CREATE TABLE closed (id int)")
    numbers.database.sql("REVOKE ALL ON closed FROM anon, authenticated")
    user = f"Bearer {numbers.token('authenticated')}"
    keys = [numbers.anon_key, numbers.publishable_key, numbers.service_key, numbers.secret_key]
    assert [len(ask(numbers, "GET", "/numbers", apikey=key).json()) for key in keys] == [0, 0, 5, 5]
    denied = ask(numbers, "POST", "/numbers", [{"id": 6}], apikey=numbers.anon_key)
    assert (refusal(denied), denied.headers["WWW-Authenticate"]) == ((401, "42501"), "Bearer")
    assert refusal(ask(numbers, "GET", "/closed", apikey=numbers.anon_key, authorization=user)) == (403, "42501")


def test_the_gateway_knows_the_projects_keys_only(numbers: Rest) -> None:
    def status(**headers: str) -> int:
        return ask(numbers, "GET", "/numbers", **headers).status

    assert [status(apikey=""), status(apikey="sb_secret_other"), status(apikey=numbers.token("anon", iss="x"))] == [
        401
    ] * 3
    assert status(apikey=numbers.secret_key, user_agent="Mozilla/5.0") == 401
    assert status(apikey=numbers.secret_key, authorization=f"Bearer {numbers.secret_key}") == 200
    assert status(apikey=numbers.secret_key, authorization=f"Bearer {numbers.publishable_key}") == 401
    expired = ask(numbers, "GET", "/numbers", authorization=f"Bearer {numbers.token('anon', exp=0)}")
    assert refusal(expired) == (401, "PGRST303")
    assert refusal(ask(numbers, "GET", "/numbers", authorization="Bearer a.b.c")) == (401, "PGRST301")
    numbers.gateway.revoked.add(numbers.service_key)
    assert status() == 401


def test_the_root_describes_what_the_role_may_see_but_not_to_everybody(numbers: Rest) -> None:
    numbers.database.sql("CREATE TABLE hidden (id int)", "REVOKE ALL ON hidden FROM service_role")
    assert ask(numbers, "GET", "/", apikey=numbers.anon_key).status == 403
    told = ask(numbers, "GET", "/").json()
    assert (told["swagger"], list(told["definitions"])) == ("2.0", ["numbers"])
    table = told["definitions"]["numbers"]
    assert table["required"] == ["id"]
    assert table["properties"]["id"]["format"] == "bigint"
    assert "<pk/>" in table["properties"]["id"]["description"]


def test_without_the_gateway_it_is_a_bare_server(rest: Rest) -> None:
    rest.settings.gateway, rest.settings.prefix = False, ""
    rest.database.sql("CREATE TABLE t (id int)")
    assert ask(rest, "GET", "/t", apikey="").status == 200
    assert ask(rest, "GET", "/", apikey="").status == 200
    assert refusal(ask(rest, "GET", "/t", accept_profile="private")) == (406, "PGRST106")


def test_the_schema_cache_is_as_it_was_when_it_was_loaded(rest: Rest) -> None:
    rest.settings.watches = False
    rest.database.sql("CREATE TABLE late (id int)")
    assert refusal(ask(rest, "GET", "/late")) == (404, "PGRST205")
    rest.reload()
    rest.database.sql("ALTER TABLE late ADD word text")
    assert refusal(ask(rest, "POST", "/late", [{"word": "w"}])) == (400, "PGRST204")
    rest.database.sql("NOTIFY pgrst, 'reload schema'")
    until(lambda: ask(rest, "POST", "/late", [{"word": "w"}]).status == 201)
    rest.database.sql("DROP TABLE late")
    assert refusal(ask(rest, "GET", "/late")) == (404, "42P01")


def test_a_role_has_only_so_much_time(numbers: Rest) -> None:
    numbers.database.sql("CREATE VIEW slow AS SELECT pg_sleep(60)::text")
    numbers.limit("service_role", "50ms")
    assert refusal(ask(numbers, "GET", "/slow")) == (500, "57014")
    assert ask(numbers, "GET", "/numbers").status == 200


def test_a_fault_concerns_one_request_which_may_have_been_carried_out(numbers: Rest) -> None:
    numbers.faults += [unavailable("7"), dropped(executed=True, method="POST")]
    first = ask(numbers, "GET", "/numbers")
    assert (first.status, first.headers["Retry-After"]) == (503, "7")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask(numbers, "POST", "/numbers", [{"id": 6}])
    assert len(ask(numbers, "GET", "/numbers").json()) == 6
    numbers.settings.max_body = 10
    assert ask(numbers, "POST", "/numbers", [{"id": 7, "word": "seven"}]).status == 413
    assert [asked.method for asked in numbers.asked] == ["GET", "POST", "GET", "POST"]


def test_a_database_that_ends_its_sessions_is_asked_again(numbers: Rest) -> None:
    assert ask(numbers, "GET", "/numbers").status == 200
    numbers.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert ask(numbers, "GET", "/numbers").status == 200
