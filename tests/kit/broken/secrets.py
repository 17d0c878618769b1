"""Faults that tell a secret."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

import pyarrow as pa

from osiris import sdk
from tests.kit.broken import Fault
from tests.kit.reference.osiris_reference import client, extractor, writer

log = logging.getLogger(__name__)


class SecretInAnError(Fault):
    """The error shows the key that was wrong: OsirisErrors pass through classify as they are."""

    caught_by = "test_no_error_tells_a_secret"

    class Client(client.Client):
        def log_in(self) -> None:
            try:
                super().log_in()
            except sdk.AuthFailed as error:
                told = base64.b64encode(f"user:{self.connection['key']}".encode()).decode()
                raise sdk.AuthFailed(f"refused with the header Basic {told}") from error


class SecretInTheErrorOfARead(Fault):
    """The error for a table that is not there tells where it was looked for, with the key in the URL."""

    caught_by = "test_no_error_tells_a_secret"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            try:
                return super().plan(wanted, since)
            except sdk.NotFound as error:
                key = quote(str(self.client.connection["key"]), safe="")
                raise sdk.NotFound(f"nothing at reference://{key}@{self.client.folder}") from error


class SecretInAFile(Fault):
    """What a library wants to have in a file is left in the scratch folder."""

    caught_by = "test_no_file_tells_a_secret"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            (self.workspace.scratch / "settings.ini").write_text(f"key = {self.client.connection['key']}")
            return super().plan(wanted, since)


class SecretInTheRepr(Fault):
    """repr() of a client shows its fields."""

    caught_by = "test_no_repr_tells_a_secret"

    class Client(client.Client):
        def __repr__(self) -> str:
            return f"Client({dict(self.connection.fields or {})})"


class SecretInTheLog(Fault):
    """Opening logs where it goes, with the key."""

    caught_by = "test_no_log_record_tells_a_secret"

    class Client(client.Client):
        def log_in(self) -> None:
            log.debug("opening %s with %r", self.folder, self.connection["key"])
            super().log_in()


class SecretInTheDataset(Fault):
    """The dataset's namespace is a URL with the key in it."""

    caught_by = "test_no_split_tells_a_secret"

    class Extractor(extractor.Extractor):
        def dataset(self) -> sdk.Dataset:
            return sdk.Dataset(f"reference://{self.client.connection['key']}@{self.client.folder}", "known")


class SecretInTheToken(Fault):
    """The token carries the key to those who settle."""

    caught_by = "test_no_token_tells_a_secret"
    roles = ("writer",)

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            token = super().token(schema, run)
            data = {**token.data, "login": self.client.connection["key"]}
            return sdk.Token(token.run_id, token.step, token.target, token.durable, data)


class SecretInTheNotes(Fault):
    """What the commit adds to the report shows the key."""

    caught_by = "test_no_token_tells_a_secret"
    roles = ("writer",)

    class Writer(writer.Writer):
        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            written = super().commit(token, parts, state)
            return replace(written, notes=(f"written with the key {self.client.connection['key']}",))
