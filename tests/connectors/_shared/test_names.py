"""What the names of all families have in common: quote marks, folding, columns that no table can have."""

from __future__ import annotations

import pytest

from osiris.connectors._shared.names import Name, check_columns, split
from osiris.errors import ConfigError


def test_a_part_may_stand_in_any_of_the_marks_and_in_no_other() -> None:
    assert split('sales."2026.orders"', None, '"') == ("sales", "2026.orders")
    assert split("`a``b`.t", None, '`"') == ("a`b", "t")
    assert split("`a`", None, '"') == (None, "`a`")


def test_a_schema_said_twice_is_one_that_folds_into_the_same() -> None:
    assert split("Sales.orders", "sales", '"', str.lower) == ("Sales", "orders")
    with pytest.raises(ConfigError, match="disagree"):
        split("Sales.orders", "sales", '"')


def test_a_form_that_names_no_table_is_answered_with_the_family_s_own_mark() -> None:
    with pytest.raises(ConfigError) as raised:
        split("a.b.c", None, '"')
    assert raised.value.hint is not None
    assert 'sales."2024.orders"' in raised.value.hint


def test_a_quoted_name_ends_where_it_should() -> None:
    assert Name('x"; DROP TABLE y; --', "t").sql == '"x""; DROP TABLE y; --"."t"'


@pytest.mark.parametrize("names", [[], [""], ["_osiris_row"], ["a", "b", "a"]])
def test_columns_that_no_table_can_have_are_refused(names: list[str]) -> None:
    check_columns(["a", "A"], Name, "Some")
    with pytest.raises(ConfigError):
        check_columns(names, Name, "Some")
