"""Rule packs as files on a desk: read, believed, written.

Promises: what cannot be believed is refused in Chinese and English, exit code 2. Leaves trust itself to
`qc.rules.bundle`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from qc.rules import source
from qc.rules.bundle import archive, signed
from qc.rules.bundle.refusal import BadPack
from qc.rules.source import Source
from tlog.note import BadNote, Key, parse_key

from jianzhen.selfcheck.told import refusal

LOCAL = timezone(timedelta(hours=8))
MOST_KEYS = 64 * 1024


def today() -> date:
    """The legal day it is now, +08:00."""
    return datetime.now(UTC).astimezone(LOCAL).date()


def content_of(path: Path, most: int = archive.MOST_BYTES) -> bytes:
    """The bytes of a file, at most one more than `most`; Refused when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as wrong:
        raise refusal(
            f"{path} 无法读取：{wrong.strerror}", f"{path} cannot be read: {wrong.strerror}"
        ) from None


@contextmanager
def told_as_refusal(path: Path) -> Iterator[None]:
    """A BadPack inside becomes what the command says."""
    try:
        yield
    except BadPack as wrong:
        raise refusal(
            f"{path}（{wrong.reason}）：{wrong.zh}", f"{path} ({wrong.reason}): {wrong.en}"
        ) from None


def keys_of(given: Sequence[str]) -> list[Key]:
    """Public keys, each as text or as a file of lines; `#` begins a remark. Refused for anything else."""
    found = []
    for one in given:
        text = one
        if "+" not in one or Path(one).is_file():
            text = content_of(Path(one), MOST_KEYS).decode("utf-8", errors="replace")
        lines = [line.strip() for line in text.splitlines()]
        try:
            found += [parse_key(line) for line in lines if line and not line.startswith("#")]
        except BadNote as wrong:
            raise refusal(f"公钥 {one[:80]} 有误：{wrong}", f"public key {one[:80]}: {wrong}") from None
    return found


def trusted(path: Path, keys: Sequence[str], at_least: str = "") -> Source:
    """The rules of a pack that may judge today."""
    if not keys:
        raise refusal(
            "规则包须与签发单位的公钥一起使用：--key 公钥",
            "a pack is believed for its signature: name its issuer's public key with --key",
        )
    with told_as_refusal(path):
        return signed.opened(content_of(path), keys_of(keys), today(), at_least)


@contextmanager
def judging_with(path: Path | None, keys: Sequence[str], at_least: str = "") -> Iterator[Source]:
    """Inside, every rule is read from the pack; from the packaged texts where none is named."""
    if path is None and (keys or at_least):
        raise refusal("--key 与 --at-least 须与 --pack 同用", "--key and --at-least are for --pack")
    with nullcontext() if path is None else source.reading(trusted(path, keys, at_least)):
        yield source.current()
