"""What a user's SQL may be: one statement that only reads, or one condition. Checked here, before a server sees it.

What is sent has no comments, so that nothing hides from the check in one that a server reads in another way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, SqlglotError

from osiris.errors import ConfigError

DIALECT: Final = "mysql"


@dataclass(frozen=True, slots=True)
class Query:
    """A statement that only reads, without its final semicolon. `has_order` and `has_limit` are about its own end;
    `aliases` are the names that it gives to tables."""

    sql: str
    has_order: bool
    has_limit: bool
    aliases: frozenset[str] = frozenset()


def select_of(sql: str, name: str = "the query") -> Query:
    """The one reading statement in `sql`: SELECT, WITH, VALUES, TABLE, or several of them combined.

    Raises ConfigError for no or several statements, for any other kind, for INTO, locks, assignments and parameters,
    and for what sqlglot does not know. `name` says in messages which text it is.
    """
    sent, checked = _uncommented(sql, name)
    tokens = _tokens(checked, name)
    end = _end(tokens, len(sent), f"{name} must be one SELECT")
    tokens = [token for token in tokens if token.start < end]
    first = next((token for token in tokens if token.token_type != TokenType.L_PAREN), None)
    if first is None:
        raise ConfigError(f"{name} must be one SELECT, not no statement", code="query.not_one")
    if first.text.upper() not in _BEGINNINGS:
        raise ConfigError(
            f"{name} must be a SELECT, not {first.text.upper()}",
            code="query.not_select",
            hint="what is not a SELECT cannot be read; SHOW has its rows in information_schema, too",
        )
    _check_tokens(tokens, name)
    tree = _parsed(checked[:end], name)
    if not isinstance(tree, (exp.Query, exp.Values)):
        raise ConfigError(f"{name} must be a SELECT that only reads", code="query.not_select")
    ends = _ends(tree)
    aliases = frozenset(table.alias for table in tree.find_all(exp.Table, exp.Subquery) if table.alias)
    return Query(sent[:end].rstrip(), "order" in ends, bool(ends & {"limit", "offset"}), aliases)


def condition_of(sql: str, name: str = "where") -> str:
    """A condition that can stand in a WHERE in brackets, and does not close them. Raises as `select_of`."""
    sent, checked = _uncommented(sql, name)
    tokens = _tokens(checked, name)
    end = _end(tokens, len(sent), f"{name} must be one condition")
    if not _balanced(tokens):
        raise ConfigError(f"{name} must be one condition, its brackets in pairs", code="query.not_one")
    _check_tokens(tokens, name)
    tree = _parsed(f"SELECT 1 FROM q WHERE (\n{checked[:end]}\n)", name, lines_before=1)
    where = tree.args.get("where")
    if not isinstance(tree, exp.Select) or where is None or not isinstance(where.this, exp.Paren):
        raise ConfigError(f"{name} must be one condition", code="query.not_one")
    return sent[:end].strip()


def _uncommented(sql: str, name: str) -> tuple[str, str]:
    """`sql` with blanks for its comments, once with its hints, to be sent, and once without, to be checked."""
    texts = [sql, sql]
    for piece in _PIECE.finditer(sql):
        kind, (start, end) = piece.lastgroup or "", piece.span()
        if kind in _REFUSED:
            line = sql.count("\n", 0, start) + 1
            text, hint = _REFUSED[kind]
            raise ConfigError(f"{name}, line {line}: {text}", code="query.comment", hint=hint)
        blank = re.sub(r"[^\n]", " ", piece.group())
        for place, kinds in enumerate((("comment",), ("comment", "hint"))):
            if kind in kinds:
                texts[place] = texts[place][:start] + blank + texts[place][end:]
    return texts[0], texts[1]


def _tokens(sql: str, name: str) -> list[Token]:
    try:
        return sqlglot.tokenize(sql, dialect=DIALECT)
    except SqlglotError as error:
        raise _unknown(name, "") from error


def _end(tokens: Sequence[Token], length: int, wanted: str) -> int:
    """Where the first statement ends, before its semicolon; ConfigError, saying what was `wanted`, for a second one."""
    kinds = [token.token_type == TokenType.SEMICOLON for token in tokens]
    starts = sum(not is_end and (place == 0 or kinds[place - 1]) for place, is_end in enumerate(kinds))
    if starts > 1:
        raise ConfigError(f"{wanted}, not {starts} statements", code="query.not_one")
    return int(tokens[kinds.index(True)].start) if True in kinds else length


def _check_tokens(tokens: Sequence[Token], name: str) -> None:
    """Refuse the words that make a SELECT write, lock or assign, wherever they stand."""
    for token in tokens:
        found = _WORDS.get(token.token_type)
        if found is not None:
            raise ConfigError(f"{name}, line {token.line}: {found}", code="query.not_select")


def _parsed(sql: str, name: str, lines_before: int = 0) -> exp.Expr:
    try:
        trees = sqlglot.parse(sql, dialect=DIALECT)
    except ParseError as error:
        about = error.errors[0] if error.errors else {}
        line = int(about.get("line") or 0) - lines_before
        where = f", line {line}" if line > 0 else ""
        near = f" near {about['highlight']!r}" if about.get("highlight") else ""
        raise _unknown(f"{name}{where}", near) from error
    except RecursionError as error:
        raise _unknown(name, ": it is nested too deeply") from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None:
        raise ConfigError(f"{name} must be one SELECT, not {len(trees)} statements", code="query.not_one")
    for node in tree.walk():
        if isinstance(node, exp.Placeholder):
            raise ConfigError(f"{name} has parameters (? or :name), which nothing fills", code="query.parameters")
        if isinstance(node, exp.Lock):
            raise ConfigError(f"{name} locks rows: leave out FOR UPDATE and the like", code="query.not_select")
        if isinstance(node, (exp.DML, exp.DDL, exp.Command)) and not isinstance(node, exp.Query):
            raise ConfigError(f"{name} must be a SELECT that only reads", code="query.not_select")
    return tree


def _ends(tree: exp.Expr) -> set[str]:
    """Which clauses end the statement, be it in brackets or not."""
    found = {part for part in ("order", "limit", "offset") if tree.args.get(part)}
    return found | _ends(tree.this) if isinstance(tree, exp.Subquery) else found


def _balanced(tokens: Sequence[Token]) -> bool:
    depth = 0
    for token in tokens:
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth < 0:
            return False
    return depth == 0


def _unknown(name: str, near: str) -> ConfigError:
    return ConfigError(
        f"{name}: sqlglot, which looks through the SQL before it is run, does not understand it{near}",
        code="query.syntax",
        hint="correct it; SQL that only the server knows can stand in a view, which is read with table",
    )


_BEGINNINGS: Final = ("SELECT", "WITH", "VALUES", "TABLE")
_WORDS: Final = {
    TokenType.INTO: "INTO writes a file or a variable, but a query only reads",
    TokenType.COLON_EQ: ":= assigns a variable, but a query only reads",
}
_REFUSED: Final = {
    "version": ("what stands in /*! */ is run by some servers and not by others", "write it without the comment"),
    "quoting": ("a hint with quotes in it cannot be looked through", "leave the hint out, or name it without quotes"),
    "open": ("a quote or a comment is not closed", None),
    "nul": ("it holds a zero byte", None),
}
_PIECE: Final = re.compile(
    r"""(?P<text> '(?:[^'\\]++|\\.|'')*+' | "(?:[^"\\]++|\\.|"")*+" | `[^`]*` )
      | (?P<version> /\*M?! )
      | (?P<hint> /\*\+[^'"`]*?\*/ )
      | (?P<quoting> /\*\+ )
      | (?P<comment> /\*.*?\*/ | (?:\#|--(?=[\s\x00-\x1f]|\Z))[^\n]* )
      | (?P<open> ['"`] | /\* )
      | (?P<nul> \x00 )""",
    re.DOTALL | re.VERBOSE,
)
"""Texts, names and comments as MySQL reads them: `--` begins one only before a blank, and they do not nest."""
