"""`osiris.sdk` offers every contract and every error, so that a connector needs nothing else of Osiris."""

from __future__ import annotations

from osiris import errors, sdk, stream
from osiris.connectors import base


def test_the_sdk_has_all_contracts_and_all_errors() -> None:
    known = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert set(base.__all__) | known <= set(sdk.__all__)


def test_what_the_sdk_offers_is_the_thing_itself() -> None:
    for name in sdk.__all__:
        origin = next(module for module in (base, errors, stream) if hasattr(module, name))
        assert getattr(sdk, name) is getattr(origin, name)
