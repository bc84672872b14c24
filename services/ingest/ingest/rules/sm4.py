"""Encrypted CP of HJ 212-2025 §6.4: SM4 (GB/T 32907), 128-bit key, ECB, no padding.

Promises: pure; whole groups of 16 bytes are encrypted and written `{0xE4,0x3E,…}`, what remains stays clear.
ECB without a check of its own protects against reading along only: changes and replays are not noticed by it.
Leaves to `frames` whether a key is the right one (the check value of the frame is over the clear text).
"""

import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

GROUP = 16
KEY_BYTES = 16
_CIPHER = re.compile(rb"\{\s*(0x[0-9A-Fa-f]{1,2}(?:\s*,\s*0x[0-9A-Fa-f]{1,2})*)\s*,?\s*\}")
_BYTE = re.compile(rb"0x([0-9A-Fa-f]{1,2})")
_OPEN = re.compile(rb"CP\s*=\s*&&", re.IGNORECASE)


def encrypt_groups(clear: bytes, key: bytes) -> bytes:
    """Whole groups only; `len(clear)` is a multiple of 16.

    Worked example (GB/T 32907 A.1): key and text `0123456789abcdeffedcba9876543210` give
    `681edf34d206965e86b3e94f536e4246`.
    """
    return Cipher(algorithms.SM4(key), modes.ECB()).encryptor().update(clear)  # noqa: S305 — the standard's choice


def decrypt_groups(cipher: bytes, key: bytes) -> bytes:
    """The inverse of `encrypt_groups`."""
    return Cipher(algorithms.SM4(key), modes.ECB()).decryptor().update(cipher)  # noqa: S305


def close_cp(clear: bytes, key: bytes) -> bytes:
    """The CP of a frame as it travels: encrypted groups in braces, then the clear rest."""
    whole = len(clear) // GROUP * GROUP
    if not whole:
        return clear
    cipher = encrypt_groups(clear[:whole], key)
    return b"{" + b",".join(b"0x%02X" % byte for byte in cipher) + b"}" + clear[whole:]


def open_segment(segment: bytes, key: bytes) -> bytes | None:
    """A data segment with its CP in clear, None if the CP is not written as encrypted groups."""
    opened = _OPEN.search(segment)
    if opened is None:
        return None
    found = _CIPHER.match(segment, opened.end())
    if found is None:
        return None
    cipher = bytes(int(digits, 16) for digits in _BYTE.findall(found[1]))
    if len(cipher) % GROUP:
        return None
    return segment[: opened.end()] + decrypt_groups(cipher, key) + segment[found.end() :]
