"""`Link`: PyMySQL's connection, read from below. The only module that touches the insides of PyMySQL."""

from __future__ import annotations

import io
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pymysql import err
from pymysql.connections import Connection
from pymysql.constants import CLIENT, COMMAND, CR
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket, OKPacketWrapper

from osiris.connectors._shared.line import received
from osiris.connectors.mysql.columns import Column
from osiris.errors import SourceError

COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_CLOSE = 0x16, 0x17, 0x19
"""https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase_ps.html"""
READ_AHEAD_BYTES = io.DEFAULT_BUFFER_SIZE
"""What PyMySQL's buffered reader may hold at most."""
MOST_BYTES = 256 * 1024
"""How much of a result is received before it is looked at."""
PACKET_BYTES = 2**20
"""The size of the packets of LOAD DATA LOCAL; no packet may have 16 MB."""
CLEAR_TEXT = (b"mysql_clear_password", b"dialog")
"""Login methods that send the password as it is."""
Columns = tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and how long the server may take. `host` is what a certificate is compared with."""

    host: str
    user: str | None
    password: str
    database: str | None
    charset: str
    timeout_s: float
    local_infile: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a statement that changes rows: how many, and how many warnings there are of it."""

    rows: int
    warnings: int


class Link(Connection):
    """One connection in autocommit mode, made over a socket that is connected already.

    Between `ask` and the end of the result nothing else may be sent: whoever calls keeps to that.
    """

    _sock: socket.socket | None
    _rfile: io.BufferedReader | None
    _read_timeout: float | None
    _write_timeout: float | None
    _secure: bool
    _ssl_required: bool
    _closed: bool
    _next_seq_id: int
    server_thread_id: tuple[int]
    _execute_command: Callable[[int, bytes], None]
    _force_close: Callable[[], None]

    def __init__(self, login: Login, context: ssl.SSLContext | None, *, required: bool) -> None:
        super().__init__(
            host=login.host,
            user=login.user,
            password=login.password.encode(),  # PyMySQL itself would take latin1
            database=login.database,
            charset=login.charset,
            connect_timeout=login.timeout_s,
            read_timeout=login.timeout_s,
            write_timeout=login.timeout_s,
            autocommit=True,
            # The server may then ask for a file; PyMySQL's own answer to that stays off, see `load`.
            client_flag=CLIENT.LOCAL_FILES if login.local_infile else 0,
            ssl=context,
            ssl_disabled=context is None,
            defer_connect=True,
            program_name="osiris",
        )
        self._ahead = False
        if not required:
            self._ssl_required = False
            self.client_flag &= ~CLIENT.SSL

    def log_in(self, sock: socket.socket) -> None:
        """The server's greeting, TLS, authentication. Closes `sock` when that fails."""
        self._secure = sock.family == getattr(socket, "AF_UNIX", None)
        self.connect(sock)

    def wait_at_most(self, read_s: float | None, write_s: float | None) -> None:
        """How long one read and one write may block from now on; None is for ever."""
        self._read_timeout, self._write_timeout = read_s, write_s

    @property
    def number(self) -> int:
        """The number that the server gave this connection, cut to 32 bits."""
        return self.server_thread_id[0]

    @property
    def sequence(self) -> int:
        """The number that the next packet has to have."""
        return self._next_seq_id

    def run(self, sql: str, args: Sequence[object]) -> tuple[int, list[tuple[Any, ...]]]:
        """Send a statement, `args` escaped into it; returns the affected rows, and all the rows that it gives."""
        with self.cursor() as cursor:
            try:
                count = cursor.execute(sql, tuple(args) or None)
            except RuntimeError as error:  # what PyMySQL says to a server that asks for a file
                raise self._file_wanted() from error
            return int(count), list(cursor)

    def send(self, statement: bytes) -> Sent:
        """Send a statement that gives no rows, as it is: bytes in it need not be UTF-8."""
        self._execute_command(COMMAND.COM_QUERY, statement)
        answer = self._packet()
        if answer.is_load_local_packet():
            raise self._file_wanted()
        return self._sent(answer)

    def ask(self, sql: str) -> Columns:
        """Send a statement and read what columns come; none for a statement that gives no rows. `receive_into` has
        the rest."""
        self._execute_command(COMMAND.COM_QUERY, sql.encode(self.encoding))
        return self._header()

    def receive_into(self, view: memoryview) -> int:
        """Fill some of `view` with what the server sent; 0 when it has hung up."""
        if self._sock is None or self._rfile is None:
            raise err.InterfaceError(0, "the connection is closed")
        if self._ahead:
            # One call of at most a buffer's size takes all that PyMySQL has read ahead; a larger one might block.
            self._ahead = len(view) < READ_AHEAD_BYTES
            return self._rfile.readinto1(view[:READ_AHEAD_BYTES])
        return received(self._sock, view[:MOST_BYTES])

    def prepare(self, sql: str) -> tuple[int, Columns]:
        """The number of a prepared statement, and what columns it will give."""
        self._execute_command(COM_STMT_PREPARE, sql.encode(self.encoding))
        answer = self._packet().get_all_data()
        _, number, columns, parameters = struct.unpack_from("<BIHH", answer)
        self._definitions(parameters)
        return number, self._definitions(columns)

    def execute_prepared(self, number: int) -> Columns:
        """As `ask`; the rows come in the binary protocol."""
        self._execute_command(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1))
        return self._header()

    def close_prepared(self, number: int) -> None:
        self._execute_command(COM_STMT_CLOSE, struct.pack("<I", number))

    def load(self, sql: str, chunks: Iterable[bytes]) -> Sent:
        """LOAD DATA LOCAL INFILE of `chunks`, whatever file the server names: it gets no file of this machine.

        When `chunks` raises, the connection is closed: the server would take what it has for all there is.
        """
        self._execute_command(COMMAND.COM_QUERY, sql.encode(self.encoding))
        if not self._packet().is_load_local_packet():
            raise err.InternalError(CR.CR_COMMANDS_OUT_OF_SYNC, "the statement loads no data")
        try:
            for chunk in chunks:
                for start in range(0, len(chunk), PACKET_BYTES):
                    self.write_packet(chunk[start : start + PACKET_BYTES])
        except BaseException:
            self.drop()
            raise
        self.write_packet(b"")
        return self._sent(self._packet())

    def drop(self) -> None:
        """Close the socket without a word to the server; idempotent."""
        self._closed = True
        self._force_close()

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, handler: Any = None) -> Any:
        """What the server asks for in the middle of a login. PyMySQL would send the password in clear to anybody."""
        if plugin_name in CLEAR_TEXT and not self._secure:
            text = f"the server wants the password in clear text ({plugin_name.decode()}), and nothing is encrypted"
            raise err.OperationalError(CR.CR_AUTH_PLUGIN_ERR, text)
        proceed: Callable[[bytes, Any, Any], Any] = getattr(super(), "_process_auth")  # noqa: B009 - no stub knows it
        return proceed(plugin_name, auth_packet, handler)

    def _file_wanted(self) -> SourceError:
        self.drop()  # it would wait for the file
        text = "the server asked for a file of this machine; it gets none"
        return SourceError(text, code="mysql.file_request", hint="LOAD DATA LOCAL is not for queries")

    def _sent(self, answer: Any) -> Sent:
        if not answer.is_ok_packet():
            self.drop()  # rows would follow that nobody reads
            raise err.InternalError(CR.CR_COMMANDS_OUT_OF_SYNC, "the statement gives rows")
        outcome = OKPacketWrapper(answer)
        return Sent(int(outcome.affected_rows), int(outcome.warning_count))

    def _packet(self, kind: type[MysqlPacket] = MysqlPacket) -> Any:
        """The next packet, of any size. An error that the server sends is raised."""
        read: Callable[[type[MysqlPacket]], Any] = self._read_packet
        return read(kind)

    def _header(self) -> Columns:
        first = self._packet()
        if first.is_load_local_packet():
            raise self._file_wanted()
        if first.is_ok_packet():
            return ()
        columns = self._definitions(first.read_length_encoded_integer() or 0)
        self._ahead = True
        return columns

    def _definitions(self, count: int) -> Columns:
        if not count:
            return ()
        found = tuple(Column.of(self._packet(FieldDescriptorPacket)) for _ in range(count))
        if not self._packet().is_eof_packet():
            raise err.InternalError(CR.CR_MALFORMED_PACKET, "the column definitions have no end")
        return found
