"""The cache of states: kept by key, replaced at once, and of no weight when it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.connectors.base import State
from osiris.errors import ConfigError
from osiris.state import FILE, Store


def test_states_are_kept_by_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get("a") is None
    assert store.all() == {}
    store.put("a", State(1, {"cursor": "2026-01-01", "ties": [1, 2]}))
    store.put("b", State(2, {}))
    store.put("b", State(3, {"x": None}))
    again = Store(tmp_path)
    assert again.get("a") == State(1, {"cursor": "2026-01-01", "ties": [1, 2]})
    assert again.all() == {"a": again.get("a"), "b": State(3, {"x": None})}
    again.forget("a")
    again.forget("never there")
    assert list(store.all()) == ["b"]


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("a", State(1, {}))
    before = (tmp_path / FILE).stat().st_ino
    with pytest.raises(TypeError):
        store.put("b", State(1, {"not plain": object()}))
    assert list(store.all()) == ["a"]
    store.put("b", State(1, {}))
    assert (tmp_path / FILE).stat().st_ino != before
    assert [path.name for path in (tmp_path / FILE).parent.iterdir()] == [FILE.name]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 2, "states": {}}', '{"version": 1}', '{"version": 1, "states": []}',
             '{"version": 1, "states": {"a": {"data": {}}}}', "\xff"]
)  # fmt: skip
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        Store(tmp_path).all()
    assert (caught.value.code, caught.value.hint) == (
        "state.damaged",
        "delete it: the targets keep the states themselves",
    )
