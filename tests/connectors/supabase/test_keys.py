"""`Key`: what a key says of itself, and the headers that each kind is sent by."""

from __future__ import annotations

import pytest

from osiris.connectors.supabase.keys import Key
from osiris.errors import AuthFailed
from tests.servers.postgrest.roles import token

SECRET = "a secret of at least 32 characters"


def test_a_legacy_key_is_sent_twice_over_and_tells_role_project_and_end() -> None:
    jwt = token({"role": "service_role", "ref": "abc", "exp": 100}, SECRET)
    key = Key.of(jwt)
    assert (key.kind, key.role, key.project, key.expires, key.sees_all) == ("legacy", "service_role", "abc", 100, True)
    assert key.headers == {"apikey": jwt, "authorization": f"Bearer {jwt}"}


@pytest.mark.parametrize(
    ("text", "kind", "sees_all"), [("sb_secret_x", "secret", True), ("sb_publishable_x", "publishable", False)]
)
def test_a_new_key_is_no_token_and_never_sent_as_one(text: str, kind: str, sees_all: bool) -> None:
    key = Key.of(text)
    assert (key.kind, key.sees_all, key.headers) == (kind, sees_all, {"apikey": text})


def test_a_key_of_a_user_sees_what_policies_let_through() -> None:
    assert not Key.of(token({"role": "authenticated"}, SECRET)).sees_all


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sbp_abcdef", "personal access token"),
        ("postgresql://u:p@h/d", "belongs into dsn"),
        ("https://x.supabase.co", "belongs into url"),
        ("eyJ.no.jwt", "none of Supabase's"),
        ("eyJhbGci", "none of Supabase's"),
        ("", "none of Supabase's"),
    ],
)
def test_what_is_no_key_is_told_without_showing_it(text: str, what: str) -> None:
    with pytest.raises(AuthFailed, match=what) as caught:
        Key.of(text)
    assert not text or text not in caught.value.message


def test_an_expired_key_and_one_of_another_project_are_refused() -> None:
    key = Key.of(token({"role": "anon", "ref": "abc", "exp": 100}, SECRET))
    key.raise_if_expired(99)
    key.raise_unless_of("abc")
    key.raise_unless_of(None)
    with pytest.raises(AuthFailed, match="expired"):
        key.raise_if_expired(100)
    with pytest.raises(AuthFailed, match="that of the project abc, not of xyz"):
        key.raise_unless_of("xyz")


def test_a_key_does_not_show_itself() -> None:
    assert "sb_secret_hidden" not in repr(Key.of("sb_secret_hidden"))
