"""One logger's connection: bytes in, frames to the committer, receipts out.

Promises: holds at most one unfinished frame; reading pauses while the committer is full, while too many
frames of this peer wait for their commit, or while it does not read its receipts; a peer whose frames
are all refused or repeats is read in sips, so that a flood cannot delay its neighbours. Leaves time-outs to
`server`, which looks at `heard_at` and `began_at`, at once only at those among the `busy`.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from ingest.flows.frames import Arrival
from ingest.receiver.committer import Committer
from ingest.receiver.tls import subject_of
from ingest.rules.frames import Frame
from ingest.rules.stream import StreamParser

MOST_GARBAGE = 65_536
MOST_WAITING = 500
MOST_USELESS = 100
# One for all connections: what is read into it is taken out before the loop turns to the next one. Small, so
# that nobody's bytes are parsed for long while others wait.
_SIP = memoryview(bytearray(32_768))


class Connection(asyncio.BufferedProtocol):
    """`opened` returns False when the connection must be refused."""

    __slots__ = (
        "_busy",
        "_closed",
        "_committer",
        "_is_choked",
        "_opened",
        "_parser",
        "_transport",
        "_useless",
        "_waiting",
        "address",
        "began_at",
        "certificate",
        "heard_at",
        "is_held",
    )  # fmt: skip

    def __init__(
        self,
        committer: Committer,
        opened: Callable[["Connection"], bool],
        closed: Callable[["Connection"], None],
        busy: set["Connection"],
    ) -> None:
        self._committer, self._opened, self._closed, self._busy = committer, opened, closed, busy
        self._parser = StreamParser()
        self._transport: asyncio.Transport | None = None
        self.address = ""
        self.certificate: str | None = None
        self.heard_at = self.began_at = 0.0
        self.is_held = self._is_choked = False
        self._waiting = self._useless = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.certificate = subject_of(transport.get_extra_info("peercert"))
        self.heard_at = self.began_at = asyncio.get_running_loop().time()
        if not self._opened(self):
            self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        return _SIP

    def buffer_updated(self, nbytes: int) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        if not self._parser.pending:
            self.began_at = self.heard_at
        self._pass_on(self._parser.feed(bytes(_SIP[:nbytes])))
        if self._parser.pending:
            self._busy.add(self)
        if self._parser.garbage > MOST_GARBAGE:
            self.close()
        elif self._committer.is_full or self._waiting > (0 if self._is_flooding else MOST_WAITING):
            self.hold()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pass_on(self._parser.finish())
        self._transport = None
        self._closed(self)

    def pause_writing(self) -> None:
        self._is_choked = True
        self.hold()

    def resume_writing(self) -> None:
        self._is_choked = False
        self.release()

    @property
    def _is_flooding(self) -> bool:
        return self._useless > MOST_USELESS

    def hold(self) -> None:
        """Stop reading: the kernel's buffers, then the sender, must wait."""
        if self._transport is not None and not self.is_held:
            self.is_held = True
            self._busy.add(self)
            self._transport.pause_reading()

    def release(self) -> None:
        if self._transport is not None and self.is_held and not self._is_choked:
            self.is_held = False
            # The time we did not read is not the peer's.
            self.heard_at = self.began_at = asyncio.get_running_loop().time()
            self._transport.resume_reading()

    def is_unfinished(self) -> bool:
        return self._parser.pending > 0

    def settle(self) -> None:
        """The peer paused: a frame that only lacks its CR LF is taken."""
        self._pass_on(self._parser.settle())

    def close(self) -> None:
        """End the connection; what is held is kept as a broken frame."""
        if self._transport is not None:
            self._transport.close()

    def say(self, data: bytes) -> bool:
        """Write a request to the logger; False once the connection ends or the peer does not read."""
        if self._transport is None or self._transport.is_closing() or self._is_choked:
            return False
        self._transport.write(data)
        return True

    def _pass_on(self, frames: list[Frame]) -> None:
        if frames:
            now = datetime.now(UTC)
            for frame in frames:
                arrival = Arrival(frame, self.address, now, self.certificate, peer=self)
                self._committer.put(arrival, self._settled)
            self._waiting += len(frames)

    def _settled(self, arrival: Arrival) -> None:
        self._waiting -= 1
        is_new = arrival.is_taken and not arrival.is_repeat
        self._useless = 0 if is_new else self._useless + 1
        receipt = arrival.reply
        if receipt is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.write(receipt)
        # A flooder waits for the sweep.
        if not self._waiting and not self._is_flooding and not self._committer.is_full:
            self.release()
