"""Where requests may go, and what cannot be sent."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from osiris.connectors._shared.http.endpoint import Endpoint, origin_of, shown
from osiris.errors import ConfigError, SourceError


@pytest.mark.parametrize("base", ["https://api.test/rest/v1", "https://api.test/rest/v1/"])
def test_paths_are_below_the_base(base: str) -> None:
    endpoint = Endpoint(base)
    for path in ("t?a=eq.1", "/t?a=eq.1"):
        assert endpoint.url(path) == "https://api.test/rest/v1/t?a=eq.1"
    assert endpoint.url("https://other.test/x") == "https://other.test/x"
    assert endpoint.url("//other.test/x") == "https://api.test/rest/v1/other.test/x"


@pytest.mark.parametrize(
    "link", ["https://api.test/v1/p?cursor=2", "https://API.test:443/v1/p?cursor=2", "/v1/p?cursor=2", "?cursor=2"]
)
def test_a_next_link_of_the_same_origin_is_followed(link: str) -> None:
    url = Endpoint("https://api.test/v1").next_url("https://api.test/v1/p?cursor=1", link)
    assert origin_of(url) == ("https", "api.test", 443)
    assert url.endswith("/v1/p?cursor=2")


@pytest.mark.parametrize(
    "link",
    [
        "http://api.test/v1/p",
        "https://api.test:8443/v1/p",
        "https://api.test.evil/v1/p",
        "https://api.test@evil.test/v1/p",
        "//evil.test/v1/p",
        "file:///etc/passwd",
        "https://[",
        "https://api.test:99999/",
    ],
)
def test_a_next_link_to_another_place_is_not(link: str) -> None:
    with pytest.raises(SourceError):
        Endpoint("https://api.test/v1").next_url("https://api.test/v1/p", link)


@pytest.mark.parametrize(
    "url", ["api.test", "ftp://api.test", "https://", "https://api.test:x", "https://a b", "https://[", "https://a\n.b"]
)
def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ConfigError) as failed:
        Endpoint(url)
    assert failed.value.code == "http.url"


@pytest.mark.parametrize("url", ["https://me:pw@api.test", "https://api.test?key=1", "https://api.test#x"])
def test_a_url_holds_no_credentials(url: str) -> None:
    with pytest.raises(ConfigError) as failed:
        Endpoint(url)
    assert "pw" not in str(failed.value)


def test_a_proxy_is_spoken_to_without_tls() -> None:
    with pytest.raises(ConfigError, match="proxy") as failed:
        Endpoint("https://api.test", proxy="https://me:pw@proxy.test:3128")
    assert "pw" not in str(failed.value)


@pytest.mark.parametrize("value", ["key\n", " key", "ke\ny", "klíč", "\x00"])
def test_a_key_that_no_header_can_hold_is_told_without_showing_it(value: str) -> None:
    with pytest.raises(ConfigError, match="'apikey' cannot be sent") as failed:
        Endpoint("https://api.test", credentials={"apikey": value})
    assert value not in str(failed.value)


def test_nothing_secret_is_shown() -> None:
    endpoint = Endpoint("https://api.test", credentials={"apikey": "sb_secret_1"}, proxy="http://me:pw@proxy.test:1")
    assert "sb_secret" not in repr(endpoint)
    assert "pw" not in repr(endpoint)
    assert shown("https://me:pw@api.test:1/a?key=2") == "https://api.test:1/a"


@pytest.mark.parametrize(
    ("set_to", "url", "proxy"),
    [
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, "https://api.test", "http://proxy.test:3128"),
        ({"HTTPS_PROXY": "proxy.test:3128"}, "https://api.test", "http://proxy.test:3128"),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, "http://api.test", None),
        ({"ALL_PROXY": "http://proxy.test:3128"}, "http://api.test", "http://proxy.test:3128"),
        ({"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": ".test"}, "https://api.test", None),
        ({}, "https://api.test", None),
    ],
)
def test_the_proxy_that_the_machine_is_set_to(set_to: dict[str, str], url: str, proxy: str | None) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    code = f"from osiris.connectors._shared.http import endpoint; print(endpoint.proxy_of_environment({url!r}))"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=kept | set_to, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(proxy)
