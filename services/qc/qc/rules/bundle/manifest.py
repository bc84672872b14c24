"""What a rule pack says of itself: which files, which version, whose, since when and until when.

Promises: a manifest is written in one way only; what is signed is `SIGNED_AS` and its text, so that a
signature on anything else is no signature on a pack. Leaves keys to `signed`, files to `archive`.
"""

import json
import re
from datetime import date
from typing import Any

import msgspec
from tlog.note import BadNote, checked_name

from qc.rules.bundle.refusal import BadPack

FORMAT = 1
SIGNED_AS = "jianzhen.rule-pack/v1\n"
MOST_BYTES = 256 * 1024
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`files` is SHA-256 by name; in force from `valid_from` up to, not including, `valid_to`."""

    format: int
    version: str
    issuer: str
    valid_from: date
    valid_to: date | None
    files: dict[str, str]

    @property
    def text(self) -> str:
        """The one way to write it: JSON, keys by name, one blank of indent, a line feed at the end."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def number_of(version: str) -> tuple[int, ...]:
    """A version to compare by. BadPack if it is none. Worked example: 2026.9 → (2026, 9) < (2026, 11)."""
    if not _VERSION.fullmatch(version):
        raise BadPack(
            "manifest",
            f"版本 {version[:40]!a} 须为以点分隔的数字，如 2026.11.1。",
            f"The version {version[:40]!a} must be numbers with points, e.g. 2026.11.1.",
        )
    return tuple(int(part) for part in version.split("."))


def checked(manifest: Manifest) -> Manifest:
    """The manifest itself, if it can be one. BadPack says what is wrong."""
    number_of(manifest.version)
    try:
        checked_name(manifest.issuer)
    except BadNote:
        raise BadPack(
            "manifest",
            "签发单位名称不得为空，不得含空格或加号。",
            "The issuer's name is not empty and holds no blank and no plus sign.",
        ) from None
    if manifest.valid_to is not None and manifest.valid_to <= manifest.valid_from:
        raise BadPack(
            "manifest",
            f"失效日 {manifest.valid_to} 不晚于生效日 {manifest.valid_from}。",
            f"It ends on {manifest.valid_to}, not after it begins on {manifest.valid_from}.",
        )
    if not manifest.files or not all(_DIGEST.fullmatch(one) for one in manifest.files.values()):
        raise BadPack(
            "manifest",
            "清单须列出每个文件的 SHA-256。",
            "The manifest lists every file with its SHA-256.",
        )
    return manifest


def parse(data: bytes) -> Manifest:
    """The manifest of its bytes. BadPack for another format, or unless it is written in the one right way."""
    if len(data) > MOST_BYTES:
        raise _unreadable("too long", "过长")
    try:
        told = msgspec.json.decode(data)
        form = told.get("format") if isinstance(told, dict) else None
        if type(form) is int and form != FORMAT:
            raise BadPack(
                "format",
                f"规则包格式为第 {form} 版，本程序只读第 {FORMAT} 版：请使用与之配套的程序或规则包。",
                f"The pack has format {form}, this program reads {FORMAT}: take a program and a pack that "
                "belong together.",
            )
        manifest = msgspec.convert(told, Manifest)
        if manifest.text.encode() != data:
            raise _unreadable("not written in the one right way", "写法不规范")
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as wrong:
        raise _unreadable(str(wrong)[:200], str(wrong)[:200]) from None
    return checked(manifest)


def _unreadable(en: str, zh: str) -> BadPack:
    return BadPack("manifest", f"manifest.json 无法读取：{zh}。", f"manifest.json cannot be read: {en}.")
