"""Errors: what, where and what to do, also in another process."""

from __future__ import annotations

import multiprocessing
import pickle
import re
from collections.abc import Callable

import pytest

from osiris import errors
from osiris.errors import Cancelled, ConfigError, DataError, OsirisError, RateLimited, did_you_mean


def classes(base: type[OsirisError] = OsirisError) -> list[type[OsirisError]]:
    """The whole tree."""
    return [base, *(found for below in base.__subclasses__() for found in classes(below))]


def example(cls: type[OsirisError]) -> OsirisError:
    error = cls("it broke", code="x.y", hint="mend it", file="p.yaml", line=3, column=7, table="t")
    error.step = "load"
    return error


def tell(error: BaseException) -> dict[str, object]:
    return {"class": type(error).__name__, "text": str(error), "args": error.args, **error.__dict__}


def raise_it(make: Callable[[], OsirisError]) -> None:
    raise make()


def limited() -> OsirisError:
    error = RateLimited("slow down", retry_after_s=2.5, hint="wait")
    error.add_note("seen at noon")
    return error


def wrong_value() -> OsirisError:
    return DataError("no number", data_column="price", row=12, file="a.csv", line=13)


def cancelled() -> OsirisError:
    error = Cancelled("stopped")
    error.exit_code = 143
    return error


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_every_error_survives_pickling_whole(cls: type[OsirisError]) -> None:
    error = example(cls)
    assert tell(pickle.loads(pickle.dumps(error))) == tell(error)  # noqa: S301 - our own bytes


@pytest.mark.parametrize("make", [limited, wrong_value, cancelled], ids=lambda make: make.__name__)
def test_an_error_raised_in_a_spawned_process_arrives_whole(make: Callable[[], OsirisError]) -> None:
    """DESIGN 3, trap 8: errors with keyword arguments."""
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(OsirisError) as caught:
        pool.apply(raise_it, (make,))
    assert tell(caught.value) == tell(make())


def test_the_text_says_where() -> None:
    assert str(ConfigError("bad", file="p.yaml", line=3, column=7)) == "p.yaml:3:7: bad"
    assert str(ConfigError("bad", file="p.yaml")) == "p.yaml: bad"
    assert str(ConfigError("bad", line=3)) == "bad"


def test_every_class_has_a_category_of_the_design_and_a_code() -> None:
    text = "ok config auth permission network timeout tls not_found rate_limit busy server unknown"
    known = set(text.split())
    assert {cls.category for cls in classes()} <= known
    assert all(cls("x").code for cls in classes())


def test_wrong_configuration_exits_with_2_and_the_rest_with_1() -> None:
    """LESSONS 18: failures exited 0."""
    codes = {cls.__name__: cls("x").exit_code for cls in classes()}
    assert codes.pop("ConfigError") == 2
    assert codes.pop("Cancelled") == 130
    assert set(codes.values()) == {1}


def test_wrong_credentials_are_never_retried() -> None:
    assert not errors.AuthFailed("x").retryable
    assert errors.NetworkFailed("x").retryable


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """One place tells all classes; it must tell all of them."""
    tree = str(errors.__doc__).partition("\n\n")[2]
    told = {found.group() for line in tree.splitlines() if (found := re.search(r"\w+", line))}
    assert told == {cls.__name__ for cls in classes()}


def test_did_you_mean_names_the_nearest_or_nothing() -> None:
    assert did_you_mean("tabel", ["table", "query"]) == 'did you mean "table"?'
    assert did_you_mean("xyz", ["table", "query"]) == ""
