"""What the reader of a file has to say, in Chinese and English."""

from dataclasses import dataclass, field

from jianzhen.state import Refused


@dataclass(frozen=True, slots=True)
class Note:
    """Something assumed or noticed while reading; shown with the result, never a reason to drop a row."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} {self.en}"


@dataclass(slots=True)
class Notes:
    """Notes in the order in which they were made."""

    made: list[Note] = field(default_factory=list)

    def add(self, zh: str, en: str) -> None:
        self.made.append(Note(zh, en))


def refusal(zh: str, en: str) -> Refused:
    """The input cannot be judged: what, where, and how to mend it, in both languages; exit code 2."""
    return Refused(f"{zh}\n{en}", 2)
