"""A link over HJ 212: we are the device, the other side is the host (HJ 212-2017 §6.1, §6.2).

Promises: an upload is sent again after the time-out, so often as §6.2 says, with the same bytes; then the
connection is given up and made anew; only 9014 with our MN and QN acknowledges. Requests of the host are
answered by `rules.uplinks.frames.reply_to` or not at all. Leaves pauses between attempts to `sending`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date

import structlog
from kit.link import ended

from ingest.flows.uplinks.delivery import by_key
from ingest.flows.uplinks.links import Ready
from ingest.flows.uplinks.reaching import checked
from ingest.queries.uplinks import Parcel
from ingest.rules.frames import Frame, parameters_of
from ingest.rules.stream import StreamParser
from ingest.rules.uplinks.answers import Answer
from ingest.rules.uplinks.comparing import Cell
from ingest.rules.uplinks.dated import Forwarding
from ingest.rules.uplinks.frames import Device, Said, qn_of, read_answer, reply_to, upload
from ingest.rules.uplinks.links import system_of
from ingest.rules.uplinks.reach import Reach

log = structlog.get_logger()
_CONNECT_SECONDS = 10
# QnRtn 3 and 4 say that this MN or PW is not known (yet), 100 that nobody knows: a person may mend that.
_MAY_BE_MENDED = ("9011 3", "9011 4", "9011 100", "9012 4", "9012 5", "9012 6")
_NO_MN = "no MN is registered for this site any more 该点位已无 MN"
Name = tuple[str, str]


class Hj212Delivery:
    """One connection for all MNs of the link."""

    def __init__(self, ready: Ready, limits: Forwarding, reach: Reach) -> None:
        self._reach = reach
        self._link, self._secrets = ready.link, ready.secrets
        self._seconds = ready.link.answer_seconds or limits.answer_seconds
        resends = ready.link.resends
        self._resends = limits.resends if resends is None else resends
        places = ready.link.places.items()
        self._passwords = {
            place.mn: ready.secrets.get(f"PW:{site}", "") for site, place in places if place.mn is not None
        }
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        # What is sent and not answered yet, what was answered, and the sign that nothing is left to wait for.
        self._open: set[Name] = set()
        self._said: dict[Name, Said] = {}
        self._is_over = asyncio.Event()

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Answer | None]:
        # A place may have lost its MN since its parcels were queued.
        found = {one.id: Answer("refused", _NO_MN) for one in parcels if not self._mn_of(one.key)}
        chains = by_key([one for one in parcels if one.id not in found])
        for step in range(max((len(chain) for chain in chains), default=0)):
            # Every MN has one upload on the way; whoever failed is left for the next turn.
            now = [
                chain[step]
                for chain in chains
                if len(chain) > step and (not step or _went(found.get(chain[step - 1].id)))
            ]
            for parcel, answer in zip(now, await self._send(now), strict=True):
                found[parcel.id] = answer
        return [found.get(parcel.id) for parcel in parcels]

    async def _send(self, parcels: Sequence[Parcel]) -> list[Answer]:
        if not parcels:
            return []
        try:
            await self._connect()
        except (OSError, ValueError) as error:
            return [Answer("failed", f"{type(error).__name__}: {error}"[:500]) for _ in parcels]
        frames = {self._name_of(parcel): self._frame_of(parcel) for parcel in parcels}
        self._open, self._said = set(frames), {}
        try:
            await self._exchange(frames)
        finally:
            if self._open:
                await self._hang_up()
            self._open = set()
        return [self._answer(parcel) for parcel in parcels]

    def _name_of(self, parcel: Parcel) -> Name:
        return (self._mn_of(parcel.key), qn_of(parcel.number))

    def _mn_of(self, site: str) -> str:
        place = self._link.places.get(site)
        return (place.mn if place else None) or ""

    def _frame_of(self, parcel: Parcel) -> bytes:
        system = system_of(self._link, parcel.key, parcel.element or "")
        mn = self._mn_of(parcel.key)
        device = Device(mn, self._passwords.get(mn, ""), system)
        is_resent = parcel.mode != "live" or parcel.resent > 0
        return upload(parcel.body, device, parcel.number, self._link, is_resent=is_resent)

    async def _connect(self) -> None:
        if self._writer is not None and not self._writer.is_closing():
            return
        await self._hang_up()
        host, _, port = self._link.address.rpartition(":")
        async with asyncio.timeout(_CONNECT_SECONDS):
            addresses = await checked(self._reach, host.strip("[]"), int(port))
            reader, self._writer = await _first_open(addresses, int(port))
        self._listening = asyncio.create_task(self._listen(reader, self._writer), name=f"uplink {host}")

    async def _exchange(self, frames: Mapping[Name, bytes]) -> None:
        """Send, wait, send again what is not answered."""
        for _ in range(1 + self._resends):
            if not self._open or self._writer is None or self._writer.is_closing():
                return
            self._is_over.clear()
            with suppress(OSError):
                async with asyncio.timeout(self._seconds):
                    for name in [name for name in frames if name in self._open]:
                        self._writer.write(frames[name])
                    await self._writer.drain()
                    await self._is_over.wait()

    def _answer(self, parcel: Parcel) -> Answer:
        found = self._said.get(self._name_of(parcel))
        if found is None:
            text = f"no answer within {1 + self._resends} × {self._seconds} s, or the connection ended"
            return Answer("failed", text, is_own=bool(self._said))
        if found.what == "refused" and found.text.startswith(_MAY_BE_MENDED):
            return Answer("failed", found.text, is_own=True)
        return Answer(found.what, found.text)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = StreamParser()
        with suppress(OSError):
            while data := await reader.read(65536):
                for frame in parser.feed(data):
                    self._take(frame, writer)
        writer.close()
        self._is_over.set()

    def _take(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        if frame.problems:
            log.info("uplink.unsound_frame", link=self._link.name, problems=frame.problems)
            return
        said = read_answer(frame.fields, parameters_of(frame.segment))
        if said is not None:
            name = (said.mn, said.qn)
            if name in self._open:
                self._open.discard(name)
                self._said[name] = said
            if not self._open:
                self._is_over.set()
            return
        reply = reply_to(frame.fields, self._passwords)
        if reply is not None and not writer.is_closing():
            writer.write(reply)

    async def held(self, sites: set[str], day: date) -> Mapping[Cell, int] | None:
        """HJ 212 has no question for what a host holds: receipts are all there is."""
        return None

    async def close(self) -> None:
        await self._hang_up()

    async def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        listening, self._listening = self._listening, None
        if writer is not None:
            writer.close()
        if listening is not None:
            await ended(listening, patience=5)


async def _first_open(
    addresses: Sequence[str], port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for address in addresses[:-1]:
        with suppress(OSError):
            return await asyncio.open_connection(address, port)
    return await asyncio.open_connection(addresses[-1], port)


def _went(answer: Answer | None) -> bool:
    return answer is not None and answer.outcome != "failed"
