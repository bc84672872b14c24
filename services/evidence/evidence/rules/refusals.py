"""What a witness's answer to `add-checkpoint` means (C2SP tlog-witness).

Promises: tells an answer that shows another history from one that only asks for another proof. Leaves
posting to `flows.witnessing`.
"""

from dataclasses import dataclass
from typing import Literal

from tlog import note
from tlog.note import BadNote

Kind = Literal["cosigned", "ask-again", "fork", "rollback", "useless"]
SOURCE = "C2SP tlog-witness, add-checkpoint: 409, 422"
MESSAGES = {
    "fork": (
        "见证方 {witness} 拒绝签署：日志在规模 {size} 处与其所知的历史不一致（分叉）",
        "Witness {witness} refuses: at size {size} the log contradicts the history it knows (a fork)",
    ),
    "rollback": (
        "见证方 {witness} 拒绝签署：日志规模 {size} 小于其已签署的 {known}（回滚）",
        "Witness {witness} refuses: the log shows size {size}, below the {known} it cosigned (a roll-back)",
    ),
}


@dataclass(frozen=True)
class Answer:
    """What is to be done: with `ask-again`, prove from `known`, which is the witness's size."""

    kind: Kind
    known: int | None = None


def judge(status: int, body: str, asked: int, size: int) -> Answer:
    """The meaning of an answer to a checkpoint of `size`, proved from size `asked`.

    >>> judge(409, "7\\n", 0, 9)
    Answer(kind='ask-again', known=7)
    >>> judge(409, "12\\n", 9, 9).kind
    'rollback'
    """
    if status == 200:
        return Answer("cosigned")
    if status == 422:
        return Answer("fork", asked)
    if status != 409:
        return Answer("useless")
    try:
        known = note.parse_size(body.removesuffix("\n"))
    except BadNote:
        return Answer("useless")
    if known > size:
        return Answer("rollback", known)
    return Answer("fork", known) if known == asked else Answer("ask-again", known)


def message(kind: Literal["fork", "rollback"], witness: str, size: int, known: int | None) -> tuple[str, str]:
    """The refusal in Chinese and English."""
    zh, en = MESSAGES[kind]
    told = {"witness": witness, "size": size, "known": "?" if known is None else known}
    return zh.format(**told), en.format(**told)
