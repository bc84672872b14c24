"""Who the log is: its name, its key, and what it has signed.

Promises: a checkpoint of another key or another name is never taken for ours.
"""

from dataclasses import dataclass

from tlog import ed25519, note
from tlog.note import BadNote, Checkpoint, Key, Sign

MEND = (
    "Nothing was signed. Either give this log its own files and its own database back (a backup of the "
    "database taken before the files' checkpoint is caught up by itself, one of another log is not), or "
    "begin a new log: another EVIDENCE_ORIGIN, another EVIDENCE_KEY, an empty EVIDENCE_STORE and database, "
    "and tell the witnesses. "
    "未签署任何内容：请恢复属于本日志的文件与数据库；否则以新的名称、密钥和空存储另立新日志，并通知见证方。"
)


class Diverged(RuntimeError):
    """Files and database tell different histories; the log stops rather than sign over a fork."""

    def __init__(self, found: str) -> None:
        super().__init__(f"the log stops: {found}. {MEND}")


@dataclass(frozen=True)
class Identity:
    """The log's name, the region that runs it, and its key."""

    origin: str
    region: str
    key: Key
    sign: Sign

    @classmethod
    def of(cls, origin: str, region: str, seed: bytes) -> "Identity":
        """From the 32-byte seed of the key."""
        return cls(origin, region, *ed25519.signer(seed, origin))

    def signed(self, size: int, root: bytes) -> str:
        """The signed note of a checkpoint."""
        return note.sign(Checkpoint(self.origin, size, root).text, [(self.key, self.sign)])

    def opened(self, signed: str) -> Checkpoint:
        """The checkpoint of a note that this log signed. Raises Diverged for any other."""
        try:
            text, _ = note.open_note(signed, [(self.key, ed25519.verifier(self.key))])
            checkpoint = note.parse_checkpoint(text)
        except BadNote as wrong:
            raise Diverged(f"the published checkpoint was not signed with this key ({wrong})") from wrong
        if checkpoint.origin != self.origin:
            raise Diverged(f"the published checkpoint is of {checkpoint.origin}, not of {self.origin}")
        return checkpoint
