"""The contracts of a connector: `Client`, `Extractor`, `Writer`, `Processor`, and the plain data between them.

Plain data here is frozen, free of secrets, picklable and JSON-able: the run ledger keeps it and other processes get it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, final

from osiris.diagnosis import LEVELS, Check, CheckResult, Diagnosis, Finding, Level, diagnose
from osiris.errors import AuthFailed, ConfigError, OsirisError, SourceError, from_os_error
from osiris.secrets import redactor
from osiris.step import Workspace
from osiris.stream import Batches, End, FirstError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "AtLeastOnce",
    "Batches",
    "Check",
    "CheckResult",
    "Client",
    "Connection",
    "Dataset",
    "Diagnosis",
    "Discovers",
    "End",
    "Extractor",
    "Field",
    "Finding",
    "FirstError",
    "Level",
    "Options",
    "Part",
    "Processor",
    "ReadPlan",
    "Resource",
    "Run",
    "Split",
    "State",
    "Token",
    "Workspace",
    "Writer",
    "Written",
]


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection's fields, resolved: `fields` may hold secrets, so they are never shown and never pickled.

    Relative paths in fields and options count from `root`, the project's folder. With `look_only` nothing behind it may
    be changed, however little (recovering a log that a killed process left): a dry run asks for that. `secret_places`
    says where each secret field is written: `${SHOP_PASSWORD} in .env`. Pickling leaves the fields behind;
    `osiris.connections` gives them back.
    """

    family: str
    alias: str | None
    root: Path
    fields: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    look_only: bool = False
    secret_places: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def reference(self) -> str:
        return f"@{self.family}.{self.alias}" if self.alias else self.family

    def get(self, name: str, default: Any = None) -> Any:
        """The field `name`, or `default` when it is not set."""
        if self.fields is None:
            raise ConfigError(f"the connection {self.reference} was not resolved in this process")
        value = self.fields.get(name)
        return default if value is None else value

    def __getitem__(self, name: str) -> Any:
        value = self.get(name)
        if value is None:
            raise ConfigError(f"the connection {self.reference} has no {name!r}", code="connection.field_missing")
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        own = (self.family, self.alias, self.root, None, dict(self.overrides), self.look_only, dict(self.secret_places))
        return Connection, own


class Options(Mapping[str, Any]):
    """A step's options, the spec's defaults filled in. Records which keys are read: one that nobody reads is a bug."""

    __slots__ = ("_values", "reads")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.reads: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.reads.add(name)
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The option, or `default` when it is absent or null."""
        self.reads.add(name)
        value = self._values.get(name)
        return default if value is None else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def to_json(self) -> dict[str, Any]:
        return dict(self._values)

    def __reduce__(self) -> tuple[Any, ...]:
        return Options, (self._values,)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What OpenLineage calls a dataset: a `namespace` (`file`, `duckdb:///data/x.duckdb`) and a `name` in it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class State:
    """How far an incremental read has come: opaque to all but the extractor that wrote it."""

    version: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a read that can be read alone. `index` is its place in the order; `data` is the extractor's own."""

    index: int
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What a read will give. `upto` is the state once all is read; `ordered` asks that splits are merged in order.

    With one split, `why_one_split` says what prevented more. `estimated_rows` serves progress and dry runs only.
    """

    schema: pa.Schema
    splits: tuple[Split, ...]
    datasets: tuple[Dataset, ...] = ()
    upto: State | None = None
    ordered: bool = False
    why_one_split: str | None = None
    estimated_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Which run and step a writer writes for. `key` names the incremental state; `sole` says that this is the flow's
    only writer, so that rows may go straight into the transaction that commits them."""

    id: str
    pipeline: str
    step: str
    attempt: int
    key: str = ""
    sole: bool = True


@dataclass(frozen=True, slots=True)
class Token:
    """One write, named before it begins. `durable` says that what is staged outlives this process; `data` is the
    writer's own (staging names). The commit token is `commit_id`: the same for every attempt of a run's step."""

    run_id: str
    step: str
    target: Dataset
    durable: bool
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def commit_id(self) -> str:
        return f"{self.run_id}/{self.step}"


@dataclass(frozen=True, slots=True)
class Part:
    """What one `write` did. `rows + rejected + superseded` is what it took from its stream."""

    rows: int
    rejected: int = 0
    superseded: int = 0
    size_bytes: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit made visible: `rows` in all parts, and what the report should add (`added_columns`). `warnings`
    are about what the target has lost by it, such as its indexes."""

    rows: int
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A column as `discover` shows it; `type` is the source's own name for it."""

    name: str
    type: str
    nullable: bool | None = None
    primary_key: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be read: a table, a view, a file. `type` is one of those words."""

    name: str
    type: str
    fields: tuple[Field, ...] = ()
    schema: str | None = None
    estimated_rows: int | None = None


def to_json(value: Split | State | Run | Token | Part | Dataset) -> dict[str, Any]:
    """The plain-data form that the ledger keeps."""
    return asdict(value)


def token_from_json(data: Mapping[str, Any]) -> Token:
    return Token(**{**data, "target": Dataset(**data["target"])})


class Classifies(ABC):  # noqa: B024 - a mixin: it has nothing that every subclass must write
    """Turns a foreign library's errors into ours: for a Client, and for a Processor, which has no client."""

    @classmethod
    @final
    def classify(cls, error: Exception) -> OsirisError:
        """The one place where a foreign error becomes ours, its text redacted; an OsirisError passes through."""
        return classified(error, cls._classify)

    @classmethod
    def _classify(cls, error: Exception) -> OsirisError:
        """Override: map the library's errors by their codes; call super() for the rest."""
        return from_os_error(error) or SourceError(f"{type(error).__name__}: {error}")


class Client(Classifies):
    """ONE connection to one system, used by one thread at a time; `pool.py` opens and reuses them for every family."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @abstractmethod
    def open(self) -> None:
        """Connect and log in. Raises the library's own errors, which `classify` maps; then nothing stays open."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; idempotent, also after a failed or interrupted call."""

    def interrupt(self) -> None:
        """From another thread: a blocked call of this client ends within a second. Sticky: a call that starts later
        ends at once. The caller repeats it until the thread has ended."""

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        """Doctor's steps, in order; a failed one ends the diagnosis. `resources` names what a pipeline wants to use."""

        def login() -> str:
            self.open()
            return f"{self.connection.reference} opened"

        return (Check("auth.login", login),)

    @final
    def failure(self, error: Exception) -> OsirisError:
        """`classify`; of a login that was refused it also says where the secrets are written that were used for it."""
        known = self.classify(error)
        places = self.connection.secret_places
        if known.code == AuthFailed.default_code and places:
            look = "check " + ", ".join(f"{name}: {place}" for name, place in places.items())
            if look not in (known.hint or ""):
                known.hint = f"{look}; {known.hint}" if known.hint else look
        return known

    @final
    def doctor(self, timeout_s: float = 5.0, level: Level = "quick", resources: Sequence[str] = ()) -> Diagnosis:
        """Run the checks of `level` on this unopened client, then close it. Never raises, never takes longer than
        `timeout_s` and a moment, never shows a secret."""
        deep = LEVELS.index(level)
        chosen: Sequence[Check]
        try:
            chosen = [check for check in self.checks(resources) if LEVELS.index(check.level) <= deep]
        except Exception as error:  # noqa: BLE001 - a connector may fail in any way; the diagnosis then says how
            known = self.failure(error)
            chosen = (Check("auth.login", lambda: _raise(known)),)
        return diagnose(chosen, timeout_s=timeout_s, interrupt=self.interrupt, classify=self.failure, finish=self.close)


class Discovers(ABC):
    """Mixin of a Client that can list what there is to read."""

    @abstractmethod
    def discover(self, like: str | None = None) -> Iterator[Resource]:
        """Everything readable whose name matches the glob `like` (`shop.*`), sorted by name. The client is open."""


C = TypeVar("C", bound=Client)


class Extractor(ABC, Generic[C]):
    """Reads one thing through an open client. A new instance, with a client of its own, reads each split."""

    def __init__(self, client: C, options: Options, workspace: Workspace) -> None:
        self.client = client
        self.options = options
        self.workspace = workspace

    @abstractmethod
    def schema(self) -> pa.Schema:
        """The columns that `read` gives, from metadata: guessed from values only where the user asked with `infer`."""

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        """Cut the read into at most `wanted` splits. This instance's client stays open until the last split is read."""
        return ReadPlan(
            self.schema(),
            (Split(0),),
            datasets=(self.dataset(),),
            why_one_split="this connector reads in one split",
            estimated_rows=self.estimated_rows(),
        )

    def estimated_rows(self) -> int | None:
        """About how many rows it will be, from metadata; None where that is not known without counting."""
        return None

    @abstractmethod
    def dataset(self) -> Dataset:
        """What is read, named for events and lineage; no I/O."""

    @abstractmethod
    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        """Give the split's rows in batches of `schema()`, then return the `End`. A failure is raised, never an early
        end. The generator owns nothing that must be freed: it may never be closed."""


class Writer(ABC, Generic[C]):
    """Writes one step's rows through an open client, all visible at once.

    One instance runs begin, write, commit. With `parts = "threads"` a lead begins and commits, and each thread's own
    instance and client only writes. `settle`, `abort` and the commit of a durable token also work on a fresh instance.
    """

    parts: ClassVar[Literal["one", "threads"]] = "one"

    def __init__(self, client: C, options: Options, workspace: Workspace) -> None:
        self.client = client
        self.options = options
        self.workspace = workspace

    def last(self, key: str) -> State | None:
        """The incremental state that was committed under `key`, None when there is none."""
        return None

    @abstractmethod
    def token(self, schema: pa.Schema, run: Run) -> Token:
        """Name the write: pure, no I/O. Refuse a schema here that the target can never hold."""

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        """For a dry run: raise what `begin` would refuse of the target as it is now, and say what would be made or
        changed there, without changing anything. The client is open and looks only."""
        return ()

    @abstractmethod
    def begin(self, token: Token, schema: pa.Schema) -> None:
        """Prepare staging. Everything made here or in `write` can be found again from the token alone."""

    @abstractmethod
    def write(self, token: Token, batches: Batches) -> Part:
        """Stage all rows of the stream; invisible until `commit`."""

    @abstractmethod
    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        """Make all parts and the state visible at once. Zero parts or zero rows still create or replace the target.
        A second commit of the same token changes nothing. A run that is stopped interrupts the client, also one
        that waits for a lock here: `settle` then has to tell what came of it."""

    @abstractmethod
    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        """Ask the target itself whether this token was committed, after a crash or a lost answer."""

    @abstractmethod
    def abort(self, token: Token) -> None:
        """Remove staging, leave the target as it was; idempotent, also when `begin` never ran or did half."""

    def finish(self, token: Token) -> None:
        """Remove what staging was kept for a possible recovery, once the whole flow is committed; idempotent."""


class AtLeastOnce:
    """Mixin of a Writer whose target has no transaction: a failed run may leave rows. Its spec says `atomic: false`."""


class Processor(Classifies):
    """Turns input streams into one output stream; touches nothing outside them and its workspace."""

    def __init__(self, options: Options, workspace: Workspace) -> None:
        self.options = options
        self.workspace = workspace

    def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        """Which inputs are read more than once; those come with a `dataset()` that can be scanned again."""
        return frozenset()

    def schema(self, inputs: Mapping[str, pa.Schema]) -> pa.Schema | None:
        """For a dry run: the columns of the output, known from those of the inputs; None where they depend on the rows.
        Raises what `run` would for options that do not go with the inputs."""
        return None

    @abstractmethod
    def run(self, inputs: Mapping[str, Batches]) -> Batches:
        """Start, and return the output stream; closing it frees everything that was opened here."""

    def interrupt(self) -> None:
        """As `Client.interrupt`."""


def classified(error: Exception, mapping: Any) -> OsirisError:
    """`error` as an OsirisError through `mapping`, with message and hint redacted and the origin as its cause."""
    if isinstance(error, OsirisError):
        return error
    known: OsirisError = mapping(error)
    known.message = redactor.text(known.message)
    known.args = (known.message,)
    known.hint = redactor.text(known.hint) if known.hint else None
    known.__cause__ = error
    return known


def _raise(error: OsirisError) -> str:
    raise error
