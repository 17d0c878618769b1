"""`Settings`: how a stand-in for PostgREST is set up, with the defaults of a Supabase project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Settings:
    """`gateway`: Supabase's is in front, and it wants `apikey`. `watches`: the schema cache is loaded again when
    something is not in it, as Supabase's trigger on DDL has it loaded; without, by `reload` and NOTIFY pgrst only.
    `max_body` is the gateway's limit in bytes. All but `schemas` and `certificate` may be changed while it runs."""

    schemas: tuple[str, ...] = ("public",)
    prefix: str = "/rest/v1"
    max_rows: int | None = 1000
    max_body: int | None = None
    gateway: bool = True
    safeupdate: bool = True
    watches: bool = True
    certificate: tuple[Path, Path] | None = None
