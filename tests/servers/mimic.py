"""`Mimic`: mysql-mimic in a thread, for what only MySQL 8 does. A stand-in: it proves nothing about the real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, Self

# it has no types
mimic: Any = import_module("mysql_mimic")
auth: Any = import_module("mysql_mimic.auth")
control: Any = import_module("mysql_mimic.control")
errors: Any = import_module("mysql_mimic.errors")

Rows = Sequence[tuple[Any, ...]]


class Mimic:
    """Listens on `port` of 127.0.0.1 without TLS; `user` has the password `password`.

    `version` is what VERSION() gives. `refusals` maps a piece of a statement to the number of the error that it meets.
    `answer` gives the rows for a statement, None for one that the stand-in answers by itself; `statements` are all that
    came. `clear_text` asks for the password in clear text; `passwords` are those that came.
    """

    def __init__(
        self,
        version: str,
        refusals: Mapping[str, int] | None = None,
        *,
        answer: Callable[[str], Rows | None] = lambda _: None,
        clear_text: bool = False,
    ) -> None:
        self.port = 0
        self.statements: list[str] = []
        self._answer = answer
        self.passwords: list[str] = []
        self._version = version
        self._refusals = dict(refusals or {})
        self._plugin = self._clear_text() if clear_text else auth.NativePasswordAuthPlugin()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="mimic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "mysql-mimic does not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection that works."""
        return {"host": "127.0.0.1", "port": self.port, "user": "user", "password": "password", **more}

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self) -> None:
        provider = auth.SimpleIdentityProvider()
        provider.get_plugins = lambda: [self._plugin]
        provider.get_user = self._user
        served = mimic.MysqlServer(self._session, control=control.LocalControl(), identity_provider=provider)
        open_links: set[asyncio.StreamWriter] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_links.add(writer)
            with suppress(ConnectionError):  # a client that has left is no failure
                await served._client_connected_cb(reader, writer)

        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        listener.close()
        for writer in open_links:
            writer.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def _user(self, name: str) -> Any:
        secret = auth.NativePasswordAuthPlugin.create_auth_string("password")
        known = auth.User(name=name, auth_string=secret, auth_plugin=self._plugin.name)
        return known if name == "user" else None

    def _clear_text(self) -> Any:
        async def check(name: str, password: str) -> str:
            self.passwords.append(password)
            return name

        plugin = auth.AbstractClearPasswordAuthPlugin()
        plugin.check = check
        return plugin

    def _session(self) -> Any:
        session = mimic.Session()
        handle = session.handle_query

        async def handle_query(sql: str, attrs: dict[str, str]) -> Any:
            self.statements.append(sql)
            for piece, number in self._refusals.items():
                if piece in sql:
                    raise errors.MysqlError(f"refused: {piece}", number)
            rows = self._answer(sql)
            if rows is not None:
                count = len(rows[0]) if rows else int(sql.startswith(("SELECT", "SHOW")))
                return rows, [f"c{n}" for n in range(count)]
            return await handle(sql.replace("VERSION()", f"'{self._version}'"), attrs)

        session.handle_query = handle_query
        return session
