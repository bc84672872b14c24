"""The settings of `qc`: where it runs and whom it trusts.

Leaves every threshold to the rule pack, where it is dated data.
"""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from kit.settings import ServiceSettings
from pydantic import model_validator
from pydantic_settings import SettingsConfigDict
from tlog.note import BadNote, Key, parse_key

from qc.rules.bundle import archive, signed
from qc.rules.bundle.refusal import BadPack
from qc.rules.source import Source, packaged

LOCAL = timezone(timedelta(hours=8))


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="QC_", env_nested_delimiter="__", frozen=True)

    # The signed pack to judge with, the public keys that may have signed it, the oldest version taken.
    pack: Path | None = None
    pack_keys: str = ""
    pack_at_least: str = ""
    # False where other instances close the days: here only single values are judged.
    closes_days: bool = True

    @model_validator(mode="after")
    def _has_keys(self) -> "Settings":
        if (self.pack is None) != (not self.pack_keys.strip()):
            raise ValueError(
                "QC_PACK and QC_PACK_KEYS come together: a pack is believed for its signature "
                "QC_PACK 与 QC_PACK_KEYS 须同时设置"
            )
        keys_of(self.pack_keys)
        return self

    def rules(self, now: datetime) -> Source:
        """The rules to judge with from `now` on. BadPack says why the pack may not judge."""
        if self.pack is None:
            return packaged()
        try:
            with self.pack.open("rb") as file:
                data = file.read(archive.MOST_BYTES + 1)
        except OSError as wrong:
            told = f"{self.pack}: {wrong.strerror}"
            raise BadPack(
                "unreadable", f"规则包无法读取：{told}", f"The pack cannot be read: {told}"
            ) from None
        return signed.opened(data, keys_of(self.pack_keys), now.astimezone(LOCAL).date(), self.pack_at_least)


def keys_of(text: str) -> list[Key]:
    """The public keys of a text, one a word. ValueError for a word that is none."""
    try:
        return [parse_key(word) for word in text.split()]
    except BadNote as wrong:
        raise ValueError(f"QC_PACK_KEYS: {wrong}") from None
