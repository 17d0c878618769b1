"""Names: quoting, `schema.table` in all its forms, and what no server takes."""

from __future__ import annotations

import pytest

from osiris.connectors.mysql.names import Name, quoted
from osiris.errors import ConfigError


def test_a_quoted_name_ends_where_it_should() -> None:
    assert quoted("x`; DROP TABLE y; --") == "`x``; DROP TABLE y; --`"


@pytest.mark.parametrize(
    ("text", "schema", "default", "wanted"),
    [
        ("orders", None, "shop", ("shop", "orders")),
        ("orders", "sales", "shop", ("sales", "orders")),
        ("sales.orders", None, "shop", ("sales", "orders")),
        ("sales.orders", "sales", None, ("sales", "orders")),
        ("sales.`2026.orders`", None, None, ("sales", "2026.orders")),
        ('"a ""b"""', None, "shop", ("shop", 'a "b"')),
        ("`a``b`.`c d`", None, None, ("a`b", "c d")),
        ('say "hi"', None, "shop", ("shop", 'say "hi"')),
        ('a"b.c"d', None, None, ('a"b', 'c"d')),
        ("select", None, "žluťoučký kůň", ("žluťoučký kůň", "select")),
        ("x" * 64, None, "y" * 64, ("y" * 64, "x" * 64)),
    ],
)
def test_a_table_is_named(text: str, schema: str | None, default: str | None, wanted: tuple[str, str]) -> None:
    assert Name.of(text, schema, default) == Name(*wanted)


@pytest.mark.parametrize(
    ("text", "schema", "default"),
    [
        ("a.b.c", None, None),
        ("", None, "shop"),
        ("a.", None, "shop"),
        ("`a", None, "shop"),
        ("orders", None, None),
        ("sales.orders", "shop", None),
        ("x" * 65, None, "shop"),
        ("x ", None, "shop"),
        ("🐘", None, "shop"),
    ],
)
def test_what_names_no_table_is_refused(text: str, schema: str | None, default: str | None) -> None:
    with pytest.raises(ConfigError) as raised:
        Name.of(text, schema, default)
    assert raised.value.code == "table.name"


def test_the_name_as_sql_is_quoted_in_both_parts() -> None:
    assert Name("a`b", "c d").sql == "`a``b`.`c d`"


@pytest.mark.parametrize("schema", ["shop", "a.b", "a`b", 'a"b', "it's 50%"])
def test_a_name_as_it_is_told_can_be_given_back(schema: str) -> None:
    """As the resource of a diagnosis, or copied out of a message."""
    for table in ("orders", "2026.orders", 'o`r"d'):
        assert Name.of(str(Name(schema, table)), None) == Name(schema, table)
    assert str(Name("it's", "žluťoučký kůň")) == "it's.žluťoučký kůň"
