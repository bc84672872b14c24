"""What probe says to itself."""

from typing import ClassVar

from contracts.envelope import Event


class Counted(Event, frozen=True, kw_only=True):
    """One countable thing of one key."""

    PRODUCER: ClassVar[str] = "probe"
    LANES: ClassVar[int] = 4

    key: str
    n: int
    pad: str = ""
