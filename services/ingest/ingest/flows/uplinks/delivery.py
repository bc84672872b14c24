"""What a link needs of the way its parcels go: HTTP and HJ 212 are the two there are."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from ingest.queries.uplinks import Parcel
from ingest.rules.uplinks.answers import Answer
from ingest.rules.uplinks.comparing import Cell


class CannotAsk(RuntimeError):
    """The other side could not be asked just now what it holds."""


class Delivery(Protocol):
    """One link's way to the other side. Parcels of one call have different keys."""

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Answer]:
        """One answer for each parcel, in their order. Never raises for what the other side does."""
        ...

    async def held(self, sites: set[str], day: date) -> Mapping[Cell, int] | None:
        """How many values the other side holds, None if it has no such question. Raises CannotAsk."""
        ...

    async def close(self) -> None: ...
