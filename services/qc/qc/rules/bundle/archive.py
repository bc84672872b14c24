"""The file a rule pack travels in: a ZIP that can be written in one way only.

Promises: the same members give the same bytes on every machine and Python; what is read is exactly what
`write` would have written, so that nothing can hide between, before, behind or under the members. Nothing in
it is compressed: it cannot unpack to more than it is. Leaves the members' meaning to `manifest`.
"""

import re
import struct
import zlib
from collections.abc import Mapping

from qc.rules.bundle.refusal import BadPack

MOST_BYTES, MOST_MEMBERS, MOST_MEMBER = 8 * 1024 * 1024, 200, 1024 * 1024
# 1980-01-01 00:00:00 in MS-DOS form, the zero of a ZIP: a pack has no time but what its manifest says.
_TIME, _DATE = 0, 0x21
_MODE = 0o100644 << 16
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_FIELDS = struct.Struct("<HHHHHIIIHH")
_TAIL = struct.Struct("<HHHII")
_SUMMARY = struct.Struct("<HHHHIIH")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}(?:/[A-Za-z0-9_-]{1,60}){0,3}\.[a-z]{2,5}")


def write(members: Mapping[str, bytes]) -> bytes:
    """The archive, members by name. BadPack for a name or a size that no pack may have.

    Worked example: write({"a.txt": b"x"}) opens with any ZIP program and is 118 bytes long.
    """
    _check(members)
    body, listing = b"", b""
    for name in sorted(members):
        data, plain = members[name], name.encode()
        fields = _fields(data, plain)
        listing += _CENTRAL + struct.pack("<H", 0x0314) + fields
        listing += _TAIL.pack(0, 0, 0, _MODE, len(body)) + plain
        body += _LOCAL + fields + plain + data
    count = len(members)
    return body + listing + _END + _SUMMARY.pack(0, 0, count, count, len(listing), len(body), 0)


def _fields(data: bytes, name: bytes) -> bytes:
    """What local header and directory say alike: version, flags, stored, time, CRC, sizes, lengths."""
    size = len(data)
    return _FIELDS.pack(20, 0, 0, _TIME, _DATE, zlib.crc32(data), size, size, len(name), 0)


def read(data: bytes) -> dict[str, bytes]:
    """The members. BadPack unless `data` is what `write` makes of them."""
    if len(data) > MOST_BYTES:
        raise BadPack(
            "too-large",
            f"文件大于 {MOST_BYTES:,} 字节，不是规则包。",
            f"The file is larger than {MOST_BYTES:,} bytes: no rule pack is.",
        )
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == _LOCAL and len(members) < MOST_MEMBERS:
        name, content, at = _member(data, at)
        if name in members:
            raise _foreign(f"成员 {name} 出现两次", f"the member {name} is in it twice")
        members[name] = content
    if not members:
        raise _foreign("开头没有成员", "it does not begin with a member")
    if write(members) != data:
        raise _foreign("目录与内容不符，或另有夹带", "its directory does not match, or something is added")
    return members


def _member(data: bytes, at: int) -> tuple[str, bytes, int]:
    begin = at + 4 + _FIELDS.size
    if begin > len(data):
        raise _foreign("文件不完整", "it is cut short")
    _, flags, method, _, _, _, size, _, length, extra = _FIELDS.unpack(data[at + 4 : begin])
    if flags or method or extra:
        raise _foreign(
            "成员被压缩、加密或带有附加字段", "a member is compressed, encrypted or has extra fields"
        )
    end = begin + length + size
    if end > len(data):
        raise _foreign("文件不完整", "it is cut short")
    name = data[begin : begin + length].decode("latin-1")
    return name, data[begin + length : end], end


def _check(members: Mapping[str, bytes]) -> None:
    if len(members) > MOST_MEMBERS or sum(map(len, members.values())) > MOST_BYTES:
        raise BadPack(
            "too-large",
            f"规则包最多 {MOST_MEMBERS} 个文件、{MOST_BYTES:,} 字节。",
            f"A pack has at most {MOST_MEMBERS} files and {MOST_BYTES:,} bytes.",
        )
    for name, data in members.items():
        if not _NAME.fullmatch(name):
            raise _foreign(f"文件名 {name[:80]!a} 不允许", f"a file may not be called {name[:80]!a}")
        if len(data) > MOST_MEMBER:
            raise BadPack(
                "too-large",
                f"{name} 大于 {MOST_MEMBER:,} 字节。",
                f"{name} is larger than {MOST_MEMBER:,} bytes.",
            )


def _foreign(zh: str, en: str) -> BadPack:
    return BadPack(
        "not-a-pack",
        f"不是 `jianzhen qc pack` 写出的规则包：{zh}。请向签发单位重新索取。",
        f"Not a rule pack as `jianzhen qc pack` writes it: {en}. Ask its issuer for it again.",
    )
