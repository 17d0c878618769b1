"""Reading over REST when an answer in the middle is none: all rows, once each, or an error; never some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from osiris.errors import OsirisError
from tests.connectors.supabase.rest.reading import read
from tests.servers.postgrest.faults import Fault, bomb, dropped, moved, page, unavailable
from tests.servers.postgrest.server import Rest
from tests.servers.web import Asked, Reply, Web

pytestmark = pytest.mark.server
SECOND = "id=gt."
"""What only requests for a second page, and later ones, have in their query."""


@pytest.fixture
def numbers(rest: Rest) -> Rest:
    """25 rows, of which the server gives 10 at a time."""
    rest.database.sql("CREATE TABLE t (id bigint PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 25)")
    rest.settings.max_rows = 10
    return rest


@pytest.fixture
def stranger() -> Iterator[Web]:
    """Another host, which says that there are no rows."""

    def empty(_: Asked) -> Reply:
        return Reply(body=b"[]")

    with Web(empty) as web:
        yield web


PASSING = {
    "dropped": dropped(executed=True),
    "starting": unavailable("0"),
    "too many": Fault(Reply(429, b'{"message": "slow down"}', {"Retry-After": "0"})),
    "proxy": page(502),
    "serialization": Fault(Reply(500, b'{"code": "40001", "message": "could not serialize access"}')),
    "timeout": Fault(Reply(500, b'{"code": "57014", "message": "canceling statement due to statement timeout"}')),
}


def test_what_passes_costs_no_row(numbers: Rest) -> None:
    for name, fault in PASSING.items():
        numbers.faults.append(replace(fault, part=SECOND))
        rows, end = read(numbers, table="t")
        assert rows["id"].to_pylist() == list(range(1, 26)), name
        assert (end.stop_reason, numbers.faults) == ("exhausted", []), name


LASTING = {
    "page": (page(), "http.html"),
    "bomb": (bomb(1 << 28), "http.bomb"),
    "cut": (Fault(Reply(body=b'[{"id":1')), "http.json"),
    "no rows": (Fault(Reply(body=b'{"id": 1}')), "rest.rows"),
    "no column": (Fault(Reply(body=b'[{"other": 1}]')), "rest.key_null"),
    "null key": (Fault(Reply(body=b'[{"id": null}]')), "rest.key_null"),
    "same again": (Fault(Reply(body=b'[{"id": 10}]')), "rest.no_progress"),
    "key": (Fault(Reply(401, b'{"message": "Invalid API key"}')), "connection.auth"),
    "nothing": (Fault(Reply(body=b"")), "http.json"),
}


def test_what_lasts_ends_the_read(numbers: Rest) -> None:
    codes = {}
    for name, (fault, _) in LASTING.items():
        numbers.faults.append(replace(fault, part=SECOND))
        with pytest.raises(OsirisError) as caught:
            read(numbers, table="t")
        assert numbers.faults == [], name
        codes[name] = caught.value.code
    assert codes == {name: code for name, (_, code) in LASTING.items()}


def test_no_other_host_says_that_there_are_no_more_rows(numbers: Rest, stranger: Web) -> None:
    numbers.faults.append(replace(moved(f"{stranger.url}/rest/v1/t"), part=SECOND))
    with pytest.raises(OsirisError) as caught:
        read(numbers, table="t")
    assert caught.value.code == "http.redirect"
    assert not any({"apikey", "authorization"} & asked.headers.keys() for asked in stranger.asked)
