"""How far the published checkpoint is behind what was received, as metrics for whoever is on call.

Promises: counts against what the public can read, not against what is signed: a store that takes no files is
seen. Leaves alarms to the rules of Prometheus.
"""

from datetime import datetime

import structlog
from kit.db import Database
from prometheus_client import Gauge

from evidence.flows.integrating import Log
from evidence.queries import log as queries

log = structlog.get_logger()
WAITING = Gauge("log_waiting", "Leaves that no published checkpoint covers yet")
WAITED = Gauge("log_waiting_seconds", "Since the oldest waiting leaf was received, 0 if none waits")
QUORUM = Gauge("log_quorum", "Witnesses that must cosign a checkpoint")
AGE = Gauge("log_checkpoint_age_seconds", "Since the newest checkpoint was signed")


class Lag:
    """Remembers the published size, for when the store cannot be read."""

    def __init__(self) -> None:
        self._size = 0

    async def note(self, database: Database, of: Log, now: datetime) -> None:
        """Set the metrics. Worked example: 7 entries, a checkpoint of 5 in the store: `log_waiting` is 2."""
        try:
            published = await of.published()
        except Exception as error:
            log.warning("evidence.store_unread", error=repr(error))
        else:
            self._size = published[0].size if published else 0
        async with database.writer() as session:
            found = await queries.waiting(session, self._size)
        WAITING.set(max(found.entries - self._size, 0))
        WAITED.set((now - found.oldest).total_seconds() if found.oldest else 0)
        QUORUM.set(of.witnesses.needed)
        AGE.set((now - found.signed_at).total_seconds())
