"""What a rule says when it refuses: where, which rule, what was found, how to mend it.

Promises: plain values, so that a rule stays free of HTTP. Leaves the status code to `cases.flows`.
"""

from typing import NamedTuple


class Refusal(NamedTuple):
    """`where` is the field or circumstance, `rule` the clause; `what` and `mend` are for people (zh · en)."""

    where: str
    rule: str
    what: str
    mend: str
