"""A fresh database per test: a copy of a template that was migrated once per worker.

Promises: roles and grants are the real ones; nothing is shared between two tests. In memory a used database
(8 MB) is dropped, on a disk it goes with the server, because there each DROP waits for a checkpoint. Leaves
the server's life to `kit.testing.plugin`.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import asyncpg

from kit import migrate
from kit.db import Database
from kit.roles import LOGINS
from kit.servers import PostgresServer
from kit.testing.places import is_in_memory

T = TypeVar("T")
PASSWORD = "test-password"  # noqa: S105


class FreshDatabase(Database):
    """A Database that also tells its addresses, for settings and for subprocesses."""

    def __init__(self, server: PostgresServer, service: str, name: str, pool_size: int) -> None:
        self.server, self.service, self.name = server, service, name
        self.writer_url = server.url(f"{service}_writer", PASSWORD, name)
        self.reader_url = server.url(f"{service}_reader", PASSWORD, name)
        self.migrator_url = server.url(f"{service}_migrator", PASSWORD, name)
        self.superuser_url = server.superuser_url(name)
        super().__init__(self.writer_url, self.reader_url, pool_size)


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end from a fixture that has no loop, without touching pytest's own."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


class Databases:
    """Templates by service, and the copies made of them."""

    def __init__(self, server: PostgresServer) -> None:
        self.server, self._in_memory = server, is_in_memory(server.place.data)
        self._templates: set[str] = set()
        self._numbers = itertools.count(1)

    async def empty(self, service: str, name: str) -> str:
        """A database with roles and no tables; returns the migrator's address."""
        passwords = dict.fromkeys(LOGINS, PASSWORD)
        await migrate.create_roles(self.server.superuser_url(), service, passwords, name)
        return self.server.url(f"{service}_migrator", PASSWORD, name)

    async def copy(self, service: str, pool_size: int = 6) -> FreshDatabase:
        """A migrated database of its own."""
        template = f"template_{service}"
        if service not in self._templates:
            await migrate.upgrade(service, await self.empty(service, template))
            self._templates.add(service)
        name = f"{service}_{next(self._numbers)}"
        how = "FILE_COPY" if self._in_memory else "WAL_LOG"  # the first waits for a checkpoint
        await self._admin(
            f'CREATE DATABASE "{name}" OWNER "{service}_owner" TEMPLATE "{template}" STRATEGY {how}'
        )
        return FreshDatabase(self.server, service, name, pool_size)

    async def end(self, database: FreshDatabase) -> None:
        """Nobody needs it any more."""
        await database.close()
        if self._in_memory and self.server.is_running():
            await self._admin(f'DROP DATABASE "{database.name}" WITH (FORCE)')

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.superuser_url())
        await connection.execute(statement)
        await connection.close()
