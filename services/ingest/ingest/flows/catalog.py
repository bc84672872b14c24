"""The registry in memory, kept as fresh as the judgement in hand needs.

Promises: a reading of something just registered is never refused for a stale copy (an unknown key asks the
database for the registry's version first); what this process changed is stale from the commit on, changes
made elsewhere are seen within seconds. Leaves judging to `rules`.
"""

import asyncio
from datetime import datetime

from kit.db import Database

from ingest.flows.change import Committed
from ingest.queries.registry import load_registry, registry_version
from ingest.rules.registry import EMPTY, Registry
from ingest.rules.times import CHINA


class Catalog:
    """`current` is replaced as a whole, so a judgement works on one version."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self.current: Registry = EMPTY
        self._seen = 0

    async def fresh(self) -> Registry:
        """The copy in memory, read again first if this process has changed the registry since."""
        return await self.refresh() if self._seen != Committed.count else self.current

    async def refresh(self) -> Registry:
        """Reload if the registry has changed since, or a day has begun: limits and devices are dated."""
        day = datetime.now(CHINA).date()
        async with self._lock, self._database.writer() as session:
            # Before the question: a change that commits meanwhile makes it stale again.
            seen = Committed.count
            if (await registry_version(session), day) != (self.current.version, self.current.day):
                self.current = await load_registry(session, day)
            self._seen = seen
        return self.current
