"""One spelling of JSON for one value, and its digest: what makes manifests and fingerprints repeat byte for byte."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def encode(value: Any) -> str:
    """`value` as JSON with sorted keys, no spaces and no NaN.

    Raises ValueError for NaN or infinity, TypeError for what JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """`sha256:<64 hex digits>` over the canonical JSON of `value` in UTF-8."""
    return digest_bytes(encode(value).encode())


def digest_bytes(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
