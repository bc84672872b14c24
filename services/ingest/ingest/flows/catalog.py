"""The registry in memory, kept as fresh as the judgement in hand needs.

Promises: a reading of something just registered is never refused for a stale copy (an unknown key asks the
database for the registry's version first); other changes are seen within seconds. Leaves judging to `rules`.
"""

import asyncio
from datetime import datetime

from kit.db import Database

from ingest.queries.registry import load_registry, registry_version
from ingest.rules.registry import EMPTY, Registry
from ingest.rules.times import CHINA


class Catalog:
    """`current` is replaced as a whole, so a judgement works on one version."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self.current: Registry = EMPTY

    async def refresh(self) -> Registry:
        """Reload if the registry has changed since, or a day has begun: limits and devices are dated."""
        day = datetime.now(CHINA).date()
        async with self._lock, self._database.writer() as session:
            if (await registry_version(session), day) != (self.current.version, self.current.day):
                self.current = await load_registry(session, day)
        return self.current
