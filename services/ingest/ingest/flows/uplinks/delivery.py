"""What a link needs of the way its parcels go: HTTP and HJ 212 are the two there are."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from ingest.queries.uplinks import Parcel
from ingest.rules.uplinks.answers import Answer
from ingest.rules.uplinks.comparing import Cell


class CannotAsk(RuntimeError):
    """The other side could not be asked just now what it holds."""


def by_key(parcels: Sequence[Parcel]) -> list[list[Parcel]]:
    """The parcels of each key, in order."""
    chains: dict[str, list[Parcel]] = {}
    for parcel in parcels:
        chains.setdefault(parcel.key, []).append(parcel)
    return list(chains.values())


class Delivery(Protocol):
    """One link's way to the other side."""

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Answer | None]:
        """One answer for each parcel, in their order; None: not sent, since one of its key failed before.

        Parcels of one key go one after the other. Never raises for what the other side does.
        """
        ...

    async def held(self, sites: set[str], day: date) -> Mapping[Cell, int] | None:
        """How many values the other side holds, None if it has no such question. Raises CannotAsk."""
        ...

    async def close(self) -> None: ...
