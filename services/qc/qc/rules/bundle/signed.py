"""A rule pack as one file: built, signed, opened, trusted.

Promises: `opened` gives rules to judge with only if a key the caller trusts, and of the issuer's own name,
signed exactly these files, if the pack is in force, no older than asked for, and sound by its schema. Leaves
keys and files to the callers; `on` is an argument.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tlog import ed25519, note
from tlog.note import BadNote, Key, Sign

from qc.rules.bundle import archive, schema
from qc.rules.bundle.manifest import FORMAT, SIGNED_AS, Manifest, checked, number_of, parse
from qc.rules.bundle.refusal import BadPack
from qc.rules.source import Source, digest

MANIFEST, SIGNATURES, RULES = "manifest.json", "signatures.txt", "rules/"
MOST_SIGNATURES = 20


@dataclass(frozen=True, slots=True)
class Pack:
    """What a file holds, before anybody believes it. `signatures` are the lines of a signed note."""

    manifest: Manifest
    files: Mapping[str, bytes]
    signatures: str

    @property
    def signers(self) -> tuple[str, ...]:
        """Whose signatures it carries, unverified."""
        return tuple(name for name, _, _ in _split(self)) if self.signatures else ()

    @property
    def sha256(self) -> str:
        """The digest that names the rules, as `qc.rules.source.digest` has it."""
        return digest(self.files)

    @property
    def data(self) -> bytes:
        """The file."""
        members = {MANIFEST: self.manifest.text.encode()}
        members |= {f"{RULES}{name}": content for name, content in self.files.items()}
        return archive.write(members | ({SIGNATURES: self.signatures.encode()} if self.signatures else {}))


def build(
    files: Mapping[str, bytes], version: str, issuer: str, valid_from: date, valid_to: date | None
) -> Pack:
    """An unsigned pack. `schema.BadRules` (a BadPack) names what is wrong in the files, by line and rule."""
    schema.require_sound(files)
    listed = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    manifest = Manifest(
        format=FORMAT, version=version, issuer=issuer, valid_from=valid_from, valid_to=valid_to, files=listed
    )
    return Pack(checked(manifest), dict(files), "")


def sign(pack: Pack, key: Key, make: Sign) -> Pack:
    """The pack with one more signature; a second one of the same key takes the place of the first."""
    text = SIGNED_AS + pack.manifest.text
    line = note.signature_line(key.name, key.id, make(text.encode()))
    kept = [
        note.signature_line(*one)
        for one in (_split(pack) if pack.signatures else [])
        if (one[0], one[1]) != (key.name, key.id)
    ]
    return replace(pack, signatures="".join([*kept, line]))


def read(data: bytes) -> Pack:
    """What the file holds, believed by nobody yet. BadPack if it is no pack, or not of the files it lists."""
    members = archive.read(data)
    if MANIFEST not in members:
        raise BadPack("manifest", "缺少 manifest.json。", "There is no manifest.json.")
    manifest = parse(members.pop(MANIFEST))
    try:
        signatures = members.pop(SIGNATURES, b"").decode("utf-8")
    except UnicodeDecodeError:
        raise _bad_signatures("not UTF-8") from None
    files = {name.removeprefix(RULES): content for name, content in members.items()}
    _compare(manifest, {name for name in members if not name.startswith(RULES)}, files)
    pack = Pack(manifest, files, signatures)
    if len(pack.signers) > MOST_SIGNATURES:
        raise _bad_signatures(f"more than {MOST_SIGNATURES}")
    return pack


def _compare(manifest: Manifest, strays: set[str], files: Mapping[str, bytes]) -> None:
    wrong = sorted(strays | (set(files) ^ set(manifest.files)))
    wrong += [
        name
        for name in sorted(set(files) & set(manifest.files))
        if hashlib.sha256(files[name]).hexdigest() != manifest.files[name]
    ]
    if wrong:
        shown = ", ".join(wrong[:5])
        raise BadPack(
            "altered",
            f"与清单不符的文件：{shown}。规则包被改动过：请向签发单位重新索取。",
            f"Not the files of the manifest: {shown}. The pack was altered: ask its issuer for it again.",
        )


def opened(data: bytes, keys: Sequence[Key], on: date, at_least: str = "") -> Source:
    """The rules of a pack that may judge on a day (+08:00). BadPack says why it may not.

    `keys` are whom the caller trusts; the issuer must be among those who signed. `at_least` is the oldest
    version taken, so that nobody brings back rules that were replaced.
    Worked example: a pack signed by `ee.example/rules`, its public key → Source(version="2026.11", …).
    """
    pack = read(data)
    signers = _verified(pack, keys)
    manifest = pack.manifest
    _in_force(manifest, on)
    if at_least and number_of(manifest.version) < number_of(at_least):
        raise BadPack(
            "older",
            f"规则包版本 {manifest.version} 低于要求的 {at_least}：请使用新的规则包。",
            f"The pack's version {manifest.version} is older than {at_least}: take the newer pack.",
        )
    schema.require_sound(pack.files)
    texts = {name: content.decode("utf-8") for name, content in pack.files.items()}
    return Source(
        texts, manifest.version, manifest.issuer, signers, manifest.valid_from, manifest.valid_to
    )  # fmt: skip


def _verified(pack: Pack, keys: Sequence[Key]) -> tuple[str, ...]:
    if not pack.signatures:
        raise BadPack(
            "unsigned",
            "规则包没有签名：不据此判定。签发：jianzhen qc pack sign。",
            "The pack is not signed: it judges nothing. To sign: jianzhen qc pack sign.",
        )
    text = f"{SIGNED_AS}{pack.manifest.text}\n{pack.signatures}"
    present = {(name, key_id) for name, key_id, _ in _split(pack)}
    if not present & {(key.name, key.id) for key in keys}:
        raise BadPack(
            "unknown-key",
            f"没有所信任的密钥签名；签名者：{', '.join(pack.signers)}。请核对公钥。",
            f"No trusted key signed it; it is signed by {', '.join(pack.signers)}. Compare the public keys.",
        )
    try:
        _, names = note.open_note(text, [(key, ed25519.verifier(key)) for key in keys])
    except BadNote as wrong:
        raise BadPack(
            "signature",
            f"签名不成立（{wrong}）：规则包或清单被改动过，请向签发单位重新索取。",
            f"The signature does not hold ({wrong}): pack or manifest was altered; ask its issuer again.",
        ) from None
    if pack.manifest.issuer not in names:
        raise BadPack(
            "unknown-key",
            f"签发单位为 {pack.manifest.issuer}，签名者却是 {', '.join(names)}。",
            f"The issuer is {pack.manifest.issuer}, but it is signed by {', '.join(names)}.",
        )
    return tuple(names)


def _in_force(manifest: Manifest, on: date) -> None:
    if on < manifest.valid_from:
        raise BadPack(
            "not-yet",
            f"规则包自 {manifest.valid_from} 起生效，今日为 {on}。",
            f"The pack is in force from {manifest.valid_from}; today is {on}.",
        )
    if manifest.valid_to is not None and on >= manifest.valid_to:
        raise BadPack(
            "expired",
            f"规则包已于 {manifest.valid_to} 失效，今日为 {on}：请使用新的规则包。",
            f"The pack expired on {manifest.valid_to}; today is {on}: take the newer pack.",
        )


def _split(pack: Pack) -> list[tuple[str, bytes, bytes]]:
    text = SIGNED_AS + pack.manifest.text
    try:
        signed, signatures = note.split(f"{text}\n{pack.signatures}")
    except BadNote as wrong:
        raise _bad_signatures(str(wrong)) from None
    if signed != text:
        raise _bad_signatures("there is text between the manifest and its signatures")
    return signatures


def _bad_signatures(en: str) -> BadPack:
    return BadPack(
        "signature",
        f"signatures.txt 无法读取：{en}。",
        f"signatures.txt cannot be read: {en}.",
    )
