"""What SQL of a user's is let through, and what is refused before a server sees it."""

from __future__ import annotations

import pytest

from osiris.connectors.mysql.query import Query, condition_of, select_of
from osiris.errors import ConfigError


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select a, `b c` from `d``e`.t where x = 'it''s' and y <> \"q\\\"uote\"",
        "(SELECT a FROM t) UNION ALL (SELECT b FROM u)",
        "SELECT a FROM t EXCEPT SELECT a FROM u",
        "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 5) SELECT * FROM x",
        "VALUES ROW(1, 2), ROW(3, 4)",
        "TABLE t",
        "SELECT GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ';') FROM t GROUP BY c WITH ROLLUP",
        "SELECT sum(a) OVER (PARTITION BY b ORDER BY c) FROM t",
        "SELECT * FROM t PARTITION (p0) USE INDEX (i) WHERE a <=> NULL AND b REGEXP 'x' AND c DIV 2 = 1",
        "SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01 00:00:00'",
        "SELECT j->>'$.x', _latin1 x'E9', 0x41, b'1', @@version, CONVERT(a USING utf8mb4) FROM t",
        "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) AS j",
        "SELECT /*+ MAX_EXECUTION_TIME(1000) */ SQL_NO_CACHE a FROM t",
        "SELECT 'FOR UPDATE; INTO OUTFILE; /*! x */ -- #' AS `INTO`",
        "SELECT 3 --1",
        "SELECT REPLACE(a, 'x', 'y'), `update`, `delete` FROM t",
    ],
)
def test_what_only_reads_is_let_through_as_it_is(sql: str) -> None:
    assert select_of(sql).sql == sql


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT 1; ", "SELECT 1"),
        ("SELECT 1;; -- done", "SELECT 1"),
        ("SELECT 1 -- one\n, 2 # two\n", "SELECT 1       \n, 2"),
        ("SELECT/* no; */1 FROM t /**/", "SELECT         1 FROM t"),
        ("/* a\nb */ SELECT 1", "    \n     SELECT 1"),
        ("SELECT 1--\t2", "SELECT 1"),
        ("SELECT '# -- /* ' /* ' */", "SELECT '# -- /* '"),
    ],
)
def test_comments_are_not_sent_and_lines_stay_where_they_are(sql: str, sent: str) -> None:
    assert select_of(sql).sql == sent


@pytest.mark.parametrize(
    ("sql", "has_order", "has_limit"),
    [
        ("SELECT a FROM t", False, False),
        ("SELECT a FROM t ORDER BY a", True, False),
        ("(SELECT a FROM t ORDER BY a LIMIT 3)", True, True),
        ("SELECT a FROM (SELECT b FROM u ORDER BY b LIMIT 3) AS q", False, False),
        ("SELECT a FROM t UNION SELECT b FROM u ORDER BY 1 LIMIT 1, 2", True, True),
        ("SELECT GROUP_CONCAT(a ORDER BY b) FROM t", False, False),
    ],
)
def test_order_and_limit_are_those_of_the_end(sql: str, has_order: bool, has_limit: bool) -> None:
    found = select_of(sql)
    assert (found.has_order, found.has_limit) == (has_order, has_limit)


def test_names_that_a_query_gives_are_told_apart_from_tables() -> None:
    found = select_of("SELECT 1 FROM a, b AS c JOIN (SELECT 1 FROM d AS e) AS f")
    assert found == Query(found.sql, False, False, frozenset({"c", "e", "f"}))


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("", "query.not_one", "no statement"),
        (" ; ", "query.not_one", "no statement"),
        ("SELECT 1; SELECT 2", "query.not_one", "2 statements"),
        ("SELECT 1 --1; DELETE FROM t", "query.not_one", "2 statements"),
        ("SELECT 1 /* ; */; DROP TABLE t", "query.not_one", "2 statements"),
        ("DELETE FROM t", "query.not_select", "not DELETE"),
        ("SHOW TABLES", "query.not_select", "not SHOW"),
        ("EXPLAIN SELECT 1", "query.not_select", "not EXPLAIN"),
        ("CALL p()", "query.not_select", "not CALL"),
        ("SET GLOBAL x = 1", "query.not_select", "not SET"),
        ("HANDLER t OPEN", "query.not_select", "not HANDLER"),
        ("DO RELEASE_ALL_LOCKS()", "query.not_select", "not DO"),
        ("LOCK TABLES t READ", "query.not_select", "not LOCK"),
        ("INSERT INTO t SELECT 1", "query.not_select", "not INSERT"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "query.not_select", "only reads"),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", "query.not_select", "only reads"),
        ("SELECT a FROM t\nINTO OUTFILE '/tmp/x'", "query.not_select", "line 2: INTO"),
        ("SELECT a INTO DUMPFILE '/tmp/x' FROM t", "query.not_select", "INTO"),
        ("SELECT a FROM t INTO @x", "query.not_select", "INTO"),
        ("SELECT 1 FROM (SELECT 1 INTO @x) AS q", "query.not_select", "INTO"),
        ("SELECT /* a /* b */ 1 INTO OUTFILE '/tmp/x' /* */", "query.not_select", "INTO"),
        ("SELECT 1 --1 INTO OUTFILE '/tmp/x'", "query.not_select", "INTO"),
        ("SELECT a FROM t FOR UPDATE", "query.not_select", "locks"),
        ("SELECT a FROM t FOR UPDATE SKIP LOCKED", "query.not_select", "locks"),
        ("SELECT a FROM t LOCK IN SHARE MODE", "query.not_select", "locks"),
        ("SELECT 1 FROM (SELECT 1 FROM t FOR SHARE) AS q", "query.not_select", "locks"),
        ("SELECT @x := 1", "query.not_select", "assigns"),
        ("SELECT ?", "query.parameters", "parameters"),
        ("SELECT :a", "query.parameters", "parameters"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "query.comment", "some servers"),
        ("SELECT 1,\n2 /*!80000 , 3 */", "query.comment", "line 2: .*some servers"),
        ("SELECT 1 /*M! , 2 */", "query.comment", "some servers"),
        ("SELECT /*+ QB_NAME(`a */ b`) */ 1", "query.comment", "hint"),
        ("SELECT 1 /* x", "query.comment", "not closed"),
        ("SELECT 'x", "query.comment", "not closed"),
        ("SELECT 'x''", "query.comment", "not closed"),
        ("SELECT 'x\\'", "query.comment", "not closed"),
        ("SELECT `x", "query.comment", "not closed"),
        ("SELECT 1\x00", "query.comment", "zero byte"),
        ("SELEC 1", "query.not_select", "not SELEC"),
        ("SELECT 1,\n2 FROM t WHERE GROUP BY", "query.syntax", "line 2: .*'GROUP BY'"),
        ("(" * 3000 + "SELECT 1" + ")" * 3000, "query.syntax", "nested"),
    ],
)
def test_what_does_more_than_read_is_refused(sql: str, code: str, text: str) -> None:
    """LESSONS 17: a read-only guard was documented and did not exist."""
    with pytest.raises(ConfigError, match=text) as caught:
        select_of(sql)
    assert caught.value.code == code
    assert caught.value.message.startswith("the query")


def test_what_sqlglot_does_not_know_has_a_way_out() -> None:
    with pytest.raises(ConfigError, match="sqlglot") as caught:
        select_of("SELECT NEXT VALUE FOR s")
    assert caught.value.hint
    assert "view" in caught.value.hint


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("a > 1", "a > 1"),
        ("a = ')' -- the last bracket )", "a = ')'"),
        ("a = 1 # )", "a = 1"),
        (
            "a IN (SELECT b FROM u) OR NOT EXISTS (SELECT 1 FROM v)",
            "a IN (SELECT b FROM u) OR NOT EXISTS (SELECT 1 FROM v)",
        ),
        ("(a = 1) OR (b = 2)", "(a = 1) OR (b = 2)"),
        ("a = 1;", "a = 1"),
    ],
)
def test_a_condition_is_let_through(sql: str, sent: str) -> None:
    assert condition_of(sql) == sent


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("", "one condition"),
        ("a, b", "one condition"),
        ("1 = 1) OR (1 = 1", "in pairs"),
        ("a = 1)", "in pairs"),
        ("(a = 1", "in pairs"),
        ("1 = 1); DROP TABLE t; SELECT (1", "not 3 statements"),
        ("1 = 1 UNION SELECT password FROM mysql.user", "UNION"),
        ("a = 1 LIMIT 5", "LIMIT"),
        ("a = 1 FOR UPDATE", "FOR"),
        ("a = 1 INTO OUTFILE '/tmp/x'", "INTO"),
        ("EXISTS (SELECT 1 FROM t FOR UPDATE)", "locks"),
        ("(@x := 1) = 1", "assigns"),
        ("a = ?", "parameters"),
        ("a = 1 /*! OR 1 = 1 */", "some servers"),
        ("a = 1 /* ", "not closed"),
        ("a = '1", "not closed"),
        ("a =\n= 1", "line 2"),
    ],
)
def test_what_is_more_than_a_condition_is_refused(sql: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"where.*{text}"):
        condition_of(sql)
