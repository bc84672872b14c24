"""What a judge is given and what it answers.

Promises: values only. Leaves loading what is related to the flows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from qc.rules.registers.flaws import Flaw

Cells = Mapping[str, Any]


class Beside(NamedTuple):
    """Another record of the same organisations."""

    code: str
    uscc: str | None
    body: Cells


@dataclass(frozen=True, slots=True)
class Context:
    """What a record is judged with.

    `related` are the bodies of records its fields refer to, by field; `beside` the records of its
    organisations by kind; `methods` the registered standards with their factors; `day` that of the fact.
    """

    code: str
    uscc: str | None
    day: date
    related: Mapping[str, Cells]
    beside: Mapping[str, Sequence[Beside]]
    methods: Mapping[str, frozenset[str]]
    is_assessed: bool = False


@dataclass(slots=True)
class Judged:
    """`figures` are kept with the record; `flags` name what is amiss with its detail; `flaws` refuse it."""

    figures: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)


Judge = Callable[[Cells, Context], Judged]
