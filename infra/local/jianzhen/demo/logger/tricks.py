"""How a data logger can misbehave, by name: what the platform must stand, in tests and in demonstrations."""

from dataclasses import dataclass, fields


@dataclass
class Tricks:
    """All off by default.

    `refuses`/`fails`: the QnRtn/ExeRtn to answer. `late`: seconds before each answer. `drops_after`: history
    frames after which the connection is cut, once. `loses_every`: each n-th data frame is not sent.
    `clock`: seconds the clock is ahead.
    """

    refuses: int | None = None
    fails: int | None = None
    late: float = 0.0
    twice: bool = False
    out_of_order: bool = False
    drops_after: int | None = None
    loses_every: int | None = None
    clock: float = 0.0
    changes_serial: bool = False
    never_answers: bool = False
    answers_data_only: bool = False
    garbage: bool = False
    resends: bool = False

    @classmethod
    def named(cls, *names: str) -> "Tricks":
        """`Tricks.named("twice", "late=2", "refuses=3")`. Raises ValueError for a trick that is unknown."""
        made = cls()
        known = {each.name: getattr(made, each.name) for each in fields(cls)}
        for text in names:
            name, _, value = text.partition("=")
            if name not in known:
                raise ValueError(f"no trick {name!r}; one of {', '.join(known)}")
            if isinstance(known[name], bool):
                setattr(made, name, True)
            else:
                setattr(made, name, float(value) if isinstance(known[name], float) else int(value))
        return made
