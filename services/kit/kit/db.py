"""The store of one service: writer and reader sessions apart, within one budget of connections.

Promises: a transaction is committed at the edge, on a clean exit and nowhere else, and before the first byte
of the response; readers cannot write and carry who is asking; a store that is away is `Unavailable`; what is
asked over HTTP ends in bounded time; a server that could lose an acknowledged commit is refused at start.
Leaves tables to services, DDL to `kit.migrate`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Annotated, Any
from weakref import WeakKeyDictionary, WeakSet

import asyncpg
from fastapi import Depends, Request
from policy import NOTHING, Principal, Reach, lock, reach_of
from sqlalchemy import MetaData, event, make_url, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.util import LRUCache, greenlet_spawn

from kit.auth import authorization_of
from kit.problems import Invalid, Problem, Unavailable, is_store_away
from kit.turns import TURN_SECONDS, Turns

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# A session that stops answering inside a transaction must give back its row locks.
SERVER_SETTINGS = {"timezone": "UTC", "jit": "off", "idle_in_transaction_session_timeout": "120000"}
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
# One for good, or what may be asked again (`kit.settings.Rotating`).
Urls = str | Callable[[], Sequence[str]]


class NotDurable(RuntimeError):
    """The server may forget what it acknowledged; nothing may be built on it."""


def declarative_base() -> type[DeclarativeBase]:
    """A base of its own for each service's `tables.py`, with the naming convention for constraints."""

    class Base(DeclarativeBase):
        metadata = MetaData(naming_convention=NAMES)

    return Base


_COMPILED: LRUCache[Any, Any] = LRUCache(2_000)
_MEMOS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


class _Dialect(PGDialect_asyncpg):
    """Equal to every other of its kind: what was compiled for one engine of this process serves them all.

    A statement costs milliseconds to compile; readers, writers and every app a test builds ask the same ones.
    """

    supports_statement_cache = True

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)  # type: ignore[no-untyped-call]
        self._type_memos = _MEMOS

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("postgresql.kit", __name__, _Dialect.__name__)


class _Told(asyncpg.Connection):  # type: ignore[misc]  # asyncpg tells no types
    """Tells the server who asks with the BEGIN itself: a message less for every question."""

    told = ""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        told, self.told = self.told, ""
        if told and not query.startswith("BEGIN"):
            raise asyncpg.InterfaceError("somebody else's transaction is still open")
        return str(await super().execute(query + told, *args, **options))


async def _begun(driver: Any, *told: Any) -> Any:
    """A READ ONLY transaction that was told who asks, how far, and for how long (`policy.lock.told`)."""
    driver.told, transaction = lock.told(*told), driver.transaction(readonly=True)
    try:
        await transaction.start()
    except BaseException:
        # At once: cut off here it may have begun, and know an asker. The pool opens another.
        driver.terminate()
        raise
    return transaction


async def session_of(urls: Urls, **options: Any) -> asyncpg.Connection:
    """A connection by the first URL whose password is good: while one is changed there are two."""
    *others, last = urls() if callable(urls) else (urls,)
    for url in others:
        with suppress(asyncpg.InvalidPasswordError):
            return await asyncpg.connect(url, **options)
    return await asyncpg.connect(last, **options)


def engine_for(
    urls: Urls, size: int, opened: WeakSet[asyncpg.Connection], *, reads_only: bool = False
) -> AsyncEngine:
    """An engine on asyncpg with exactly `size` connections at most, which it puts among the `opened`."""
    settings = SERVER_SETTINGS | ({"default_transaction_read_only": "on"} if reads_only else {})

    def first() -> str:
        return urls()[0] if callable(urls) else urls

    engine = create_async_engine(
        make_url(first()).set(drivername="postgresql+kit"),
        pool_size=size,
        max_overflow=0,
        pool_timeout=10,
        async_creator=lambda: session_of(urls, server_settings=settings, timeout=10, connection_class=_Told),
        execution_options={"postgresql_readonly": reads_only, "compiled_cache": _COMPILED},
    )

    def remember(connection: Any, record: Any) -> None:
        record.info["url"] = first()
        opened.add(connection.driver_connection)

    def require_good(connection: Any, record: Any, _: Any) -> None:
        # The driver sees its server go; a ping before every transaction would cost three round trips to learn
        # it. What was opened by a password that has been changed is not used again, either.
        if connection.driver_connection.is_closed() or record.info["url"] != first():
            raise InvalidatePoolError

    event.listen(engine.sync_engine, "connect", remember)
    event.listen(engine.sync_engine, "checkout", require_good)
    return engine


@asynccontextmanager
async def _driver(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    pooled = await engine.raw_connection()
    driver: Any = pooled.driver_connection
    try:
        yield driver
    finally:
        if not driver.is_closed() and driver.is_in_transaction():
            driver.terminate()  # its end was cut off
        await greenlet_spawn(pooled.close)


@asynccontextmanager
async def _store(*, is_reader: bool = False) -> AsyncIterator[None]:
    """Turns "PostgreSQL is away, full or read-only" into 503, so that a sender keeps its data.

    That a reader's own transaction is read-only is a mistake in the program, not an outage.
    """
    try:
        yield
    except Exception as error:
        if is_reader and "statement timeout" in str(error):
            raise Invalid("question-too-wide", "Ask for a shorter range or fewer series 请缩小范围") from None
        is_away = is_store_away(error) or isinstance(error, PoolTimeout)
        if isinstance(error, Problem) or not is_away or (is_reader and "read-only transaction" in str(error)):
            raise
        raise Unavailable("store-unavailable", "The database cannot be reached or cannot write") from error


class Database:
    """Sessions of one database. `pool_size` is the budget of this process: two thirds write, one third reads.

    `committed` is set after each write transaction: a relay in this process need not wait for its poll.
    """

    def __init__(self, writer_url: Urls, reader_url: Urls, pool_size: int = 8) -> None:
        self._opened = WeakSet[asyncpg.Connection]()
        read = max(1, pool_size // 3)
        self.write_connections = max(1, pool_size - read)
        self.writers = engine_for(writer_url, self.write_connections, self._opened)
        self.readers = engine_for(reader_url, read, self._opened, reads_only=True)
        self._write = async_sessionmaker(self.writers, expire_on_commit=False)
        self._read = async_sessionmaker(self.readers, expire_on_commit=False)
        self.committed = asyncio.Event()
        # Longer than any answer a person waits for; who asks for more would hold a reader from the others.
        self.question_seconds = 20.0
        self.turns = Turns(max(1, read - 1))

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed on a clean exit, rolled back on any exception."""
        async with _store(), self._write() as session, session.begin():
            yield session
        self.committed.set()

    @asynccontextmanager
    async def reader(
        self, who: Principal | None = None, most: float = 0, reach: Reach = NOTHING
    ) -> AsyncIterator[AsyncSession]:
        """A READ ONLY transaction that knows who asks (`jianzhen.region` …) and how far that one may see.

        Locked tables (docs/guides/identity.md) show what is within `reach` and nothing else, so nothing
        unless it is told; `policy.EVERYTHING` is for work of the service itself, never for an answer.

        A statement that takes longer than `most` seconds (0: as long as it takes) raises Invalid.
        """
        async with _store(is_reader=True), self._read() as session, session.begin():
            pooled: Any = await (await session.connection()).get_raw_connection()
            # Past SQLAlchemy, which would begin with a statement of its own.
            pooled.dbapi_connection._transaction = await _begun(pooled.driver_connection, who, reach, most)
            yield session

    @asynccontextmanager
    async def question(
        self, who: Principal | None, patience: float = TURN_SECONDS, reach: Reach = NOTHING
    ) -> AsyncIterator[AsyncSession]:
        """A reader for what is asked over HTTP: in the asker's own turn, and each statement in bounded time.

        Departments are one asker each, and so are a unit, a person without either, and the public. Raises
        Invalid for a statement that takes too long, TooMany when no turn came within `patience` seconds.
        """
        async with self._turn(who, patience), self.reader(who, self.question_seconds, reach) as session:
            yield session

    @asynccontextmanager
    async def asked(self, who: Principal, reach: Reach) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection of a reader, for a small `question` that is asked very often."""
        async with self._turn(who), _store(is_reader=True), _driver(self.readers) as driver:
            transaction = await _begun(driver, who, reach, self.question_seconds)
            try:
                yield driver
            finally:
                await transaction.rollback()

    def _turn(self, who: Principal | None, patience: float = TURN_SECONDS) -> Any:
        own = (getattr(who, name, None) for name in ("dept", "uscc", "subject"))
        return self.turns.turn(next(filter(None, own), ""), patience)

    @asynccontextmanager
    async def telemetry(self, *, is_one: bool = False) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection of a writer inside one transaction, for binary COPY.

        `is_one`: the caller sends one statement and no more, which is a transaction of its own.
        """
        async with _store(), _driver(self.writers) as own, nullcontext() if is_one else own.transaction():
            yield own
        self.committed.set()

    @asynccontextmanager
    async def lookup(self) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection of a reader, for one statement: a round trip instead of five.

        It does not know who asks, so tables with row security show it nothing.
        """
        async with _store(is_reader=True), _driver(self.readers) as driver:
            yield driver

    async def check_durability(self) -> None:
        """Raises NotDurable if this session's commits could be lost by a crash of the server."""
        async with self.writer() as session:
            asked = text("SELECT name FROM pg_settings WHERE setting = 'off' AND name = ANY(:names)")
            off = sorted(await session.scalars(asked, {"names": list(DURABLE)}))
        if off:
            raise NotDurable(f"PostgreSQL runs with {', '.join(off)} = off: acknowledged data could be lost")

    async def is_reachable(self) -> bool:
        """Whether a new transaction can begin now."""
        with suppress(Unavailable):
            async with self.writer() as session:
                return bool(await session.scalar(text("SELECT true")))
        return False

    async def close(self) -> None:
        """Ends every connection, also one that is in use: a pool forgets what is not in it."""
        for engine in (self.writers, self.readers):
            await engine.dispose()
        for connection in list(self._opened):
            connection.terminate()


async def _writer_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.writer() as session:
        yield session


def reach_of_request(request: Request, who: Principal) -> Reach:
    """How far the route in hand lets `who` see, by the policy alone: whatever its guard and its query do."""
    state, scope = request.app.state, request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
    path = path.removeprefix(scope.get("root_path", ""))  # where it is mounted
    # An application that `create_app` did not make is no service of the policy.
    service = getattr(state, "service", None)
    route = state.policy.route(service, request.method, path) if service else None
    if route is None or route.permission is None:
        return NOTHING
    decided = state.policy.decide(route.permission, who)
    decision = state.verifier.holding(state.policy, route.permission, who, decided)
    return reach_of(decision, who, state.within, state.regions, route.permission)


async def _reader_session(request: Request) -> AsyncIterator[AsyncSession]:
    state = request.app.state
    # Asked again rather than taken from the guard, so that the order of a route's parameters is no matter.
    verifier = getattr(state, "verifier", None)
    who = await verifier.principal(authorization_of(request)) if verifier else None
    reach = reach_of_request(request, who) if who else NOTHING
    async with state.database.question(who, reach=reach) as session:
        yield session


# scope="function": the transaction ends before the response begins, so a failed COMMIT is never a 202.
WriterSession = Annotated[AsyncSession, Depends(_writer_session, scope="function")]
ReaderSession = Annotated[AsyncSession, Depends(_reader_session, scope="function")]
