"""Canonical JSON: one spelling for one value."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from osiris import canonical


def test_the_order_of_keys_and_the_layout_do_not_count() -> None:
    assert canonical.encode({"b": [1, {"d": None, "c": True}], "a": "é"}) == '{"a":"é","b":[1,{"c":true,"d":null}]}'
    assert canonical.digest({"a": 1, "b": 2}) == canonical.digest({"b": 2, "a": 1})


def test_the_digest_is_the_sha256_of_the_utf8_bytes() -> None:
    expected = hashlib.sha256('{"a":"é"}'.encode()).hexdigest()
    assert canonical.digest({"a": "é"}) == f"sha256:{expected}"
    assert canonical.digest_bytes(b"") == f"sha256:{hashlib.sha256().hexdigest()}"


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), ("1", 1), (None, "null"), ([], {}), (0.0, -0.0)])
def test_different_values_have_different_digests(one: object, other: object) -> None:
    assert canonical.digest(one) != canonical.digest(other)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_in_json_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical.encode([value])


@pytest.mark.parametrize("value", [b"x", {1, 2}, object(), {"a": 1, 2: 3}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical.encode(value)


def test_another_process_with_another_hash_seed_spells_it_the_same() -> None:
    program = "from osiris import canonical; print(canonical.digest({k: {k: k} for k in 'qwertzuiop'}))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(found) == 1
