"""A rule pack: the same bytes everywhere, believed only for its issuer's signature, hostile files refused."""

import io
import subprocess
import sys
import time
import warnings
import zipfile
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pack_scene import BEGIN, END, ISSUER, KEY, MAKE, ON, STRANGER, STRANGERS, STRICTER, data, files, pack
from qc.rules import source
from qc.rules.bundle import archive, schema, signed
from qc.rules.bundle.refusal import BadPack
from qc.rules.bundle.yamls import Flawed, document
from qc.rules.offline.catalogue import falsification_tests, file_tests
from qc.rules.offline.profile import load_profile
from qc.rules.pack import load_pack
from tlog import ed25519

FILES = files()
SIGNED = data()


def refused(content: bytes, keys=(KEY,), on: date = ON, at_least: str = "") -> BadPack:
    with pytest.raises(BadPack) as caught:
        signed.opened(content, keys, on, at_least)
    assert caught.value.zh and caught.value.en and caught.value.zh != caught.value.en
    return caught.value


def test_the_same_rules_are_the_same_bytes_and_any_zip_program_opens_them():
    assert data() == SIGNED == data(dict(reversed(FILES.items())))
    with zipfile.ZipFile(io.BytesIO(SIGNED)) as opened:
        assert opened.testzip() is None
        assert opened.read("rules/core.yaml") == FILES["core.yaml"]
        assert len(opened.namelist()) == len(FILES) + 2
    script = "import sys; sys.path.insert(0, sys.argv[1]); from pack_scene import data\n"
    script += "sys.stdout.buffer.write(data())"
    other = subprocess.run(
        [sys.executable, "-c", script, __file__.rpartition("/")[0]], capture_output=True, check=True,
        env={"PYTHONHASHSEED": "7", "TZ": "America/Lima"},
    )  # fmt: skip
    assert other.stdout == SIGNED


def test_a_signed_pack_gives_the_rules_that_were_packed():
    opened = signed.opened(SIGNED, [KEY], ON)
    assert (opened.version, opened.issuer, opened.signers) == ("2026.11.1", ISSUER, (ISSUER,))
    assert opened.sha256 == source.packaged().sha256 == signed.read(SIGNED).sha256
    changed = signed.opened(data(files(STRICTER)), [KEY], ON)
    assert changed.sha256 != opened.sha256
    before = load_pack().version
    with source.reading(changed):
        assert load_pack().version != before
        assert load_profile("ambient-air").pack.named("K1").parameters[2].set["min_run"] in (4, 24, 5, 12)
        assert file_tests() and falsification_tests()
    assert load_pack().version == before


def test_an_unsigned_pack_judges_nothing():
    assert refused(pack().data).reason == "unsigned"


def test_a_signature_counts_only_from_a_trusted_key_of_the_issuer():
    assert refused(SIGNED, [STRANGER]).reason == "unknown-key"
    assert refused(SIGNED, []).reason == "unknown-key"
    impostor, forge = ed25519.signer(b"7" * 32, ISSUER)
    assert refused(signed.sign(pack(), impostor, forge).data).reason == "unknown-key"
    by_other = signed.sign(pack(), STRANGER, STRANGERS)
    assert refused(by_other.data, [KEY, STRANGER]).reason == "unknown-key"
    both = signed.sign(by_other, KEY, MAKE)
    assert signed.opened(both.data, [KEY], ON).signers == (ISSUER,)
    assert signed.opened(both.data, [KEY, STRANGER], ON).signers == ("someone.else/rules", ISSUER)
    assert signed.sign(both, KEY, MAKE).data == both.data


def test_a_key_of_the_log_has_signed_no_pack():
    """The same key over the same manifest, but as any other note."""
    unsigned = pack()
    elsewhere = signed.note.signature_line(KEY.name, KEY.id, MAKE(unsigned.manifest.text.encode()))
    assert refused(replace(unsigned, signatures=elsewhere).data).reason == "signature"


def test_a_pack_judges_from_its_first_day_up_to_its_last():
    assert refused(SIGNED, on=BEGIN - timedelta(days=1)).reason == "not-yet"
    assert signed.opened(SIGNED, [KEY], BEGIN).holds(END - timedelta(days=1))
    assert refused(SIGNED, on=END).reason == "expired"
    assert not signed.opened(SIGNED, [KEY], BEGIN).holds(END)


@pytest.mark.parametrize(
    ("version", "at_least", "reason"),
    [("2026.9", "2026.11", "older"), ("2026.11", "2026.11.1", "older"), ("2026.11", "new", "manifest")],
)
def test_a_pack_that_was_replaced_does_not_come_back(version, at_least, reason):
    assert refused(data(version=version), at_least=at_least).reason == reason


def test_a_newer_or_equal_version_is_taken():
    for version in ("2026.11", "2026.11.1", "2027"):
        assert signed.opened(data(version=version), [KEY], ON, "2026.11").version == version


def altered(**changes: bytes | None) -> bytes:
    """The signed pack with members replaced or (None) taken out; `rules__core_yaml` is rules/core.yaml."""
    members = archive.read(SIGNED)
    for name, content in changes.items():
        real = (
            name.replace("__", "/")
            .replace("_yaml", ".yaml")
            .replace("_json", ".json")
            .replace("_txt", ".txt")
        )
        if content is None:
            del members[real]
        else:
            members[real] = content
    return archive.write(members)


MANIFEST = archive.read(SIGNED)["manifest.json"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (altered(rules__core_yaml=FILES["core.yaml"].replace(b"min_run: 6", b"min_run: 9")), "altered"),
        (altered(rules__core_yaml=None), "altered"),
        (altered(rules__more_yaml=b"[]"), "altered"),
        (altered(core_yaml=FILES["core.yaml"]), "altered"),
        (altered(manifest_json=MANIFEST.replace(b'"2027-01-01"', b'"2037-01-01"')), "signature"),
        (altered(manifest_json=MANIFEST.replace(b'"2027-01-01"', b"null")), "signature"),
        (altered(manifest_json=MANIFEST.replace(b'"2026.11.1"', b'"2026.11.2"')), "signature"),
        (altered(manifest_json=MANIFEST.replace(b'"format": 1', b'"format": 2')), "format"),
        (altered(manifest_json=MANIFEST.replace(b'"format": 1', b'"format": true')), "manifest"),
        (altered(manifest_json=MANIFEST + b" "), "manifest"),
        (altered(manifest_json=MANIFEST.replace(b"{\n", b'{\n "format": 1,\n', 1)), "manifest"),
        (altered(manifest_json=b"[" * 100_000), "manifest"),
        (altered(manifest_json=b'{"format": 1}'), "manifest"),
        (altered(manifest_json=MANIFEST.replace(ISSUER.encode(), b"\\ud800")), "manifest"),
        (altered(manifest_json=None), "manifest"),
        (altered(signatures_txt=None), "unsigned"),
        (altered(signatures_txt=b"\xff"), "signature"),
        (altered(signatures_txt=b"x\n\n" + archive.read(SIGNED)["signatures.txt"]), "signature"),
        (altered(signatures_txt=archive.read(SIGNED)["signatures.txt"] * 21), "signature"),
    ],
)  # fmt: skip
def test_what_was_altered_is_refused_and_named(content, reason):
    assert refused(content).reason == reason


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as opened, warnings.catch_warnings(action="ignore"):
        for name, content in members:
            opened.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return made.getvalue()


MEMBERS = list(archive.read(SIGNED).items())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not-a-pack"),
        (b"PK\x03\x04", "not-a-pack"),
        (zipped([]), "not-a-pack"),
        (zipped([("a.yaml", bytes(10**9 // 100))] * 2, zipfile.ZIP_DEFLATED), "not-a-pack"),
        (zipped(MEMBERS, zipfile.ZIP_DEFLATED), "not-a-pack"),
        (zipped([*MEMBERS, ("rules/core.yaml", b"[]")]), "not-a-pack"),
        (zipped([*MEMBERS, ("../../etc/cron.d/rules.yaml", b"[]")]), "not-a-pack"),
        (zipped([*MEMBERS, ("/rules/x.yaml", b"[]")]), "not-a-pack"),
        (zipped([*MEMBERS, ("rules\\x.yaml", b"[]")]), "not-a-pack"),
        (zipped([*MEMBERS, ("rules/../core.yaml", b"[]")]), "not-a-pack"),
        (zipped([*MEMBERS, ("rules/x.yaml/", b"")]), "not-a-pack"),
        (SIGNED + b"\0", "not-a-pack"),
        (b"#!/bin/sh\n" + SIGNED, "not-a-pack"),
        (SIGNED[:-1], "not-a-pack"),
        (SIGNED[:5000], "not-a-pack"),
        (SIGNED.replace(b"rules/core.yaml", b"rules/c0re.yaml", 1), "not-a-pack"),
        (zipped([(f"rules/f{n}.yaml", b"") for n in range(5000)]), "not-a-pack"),
        (bytes(archive.MOST_BYTES + 1), "too-large"),
        (zipped([("rules/a.yaml", bytes(archive.MOST_MEMBER + 1))]), "too-large"),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_refused_before_it_costs_anything(content, reason):
    begun = time.process_time()
    assert refused(content).reason == reason
    assert time.process_time() - begun < 0.5


def test_every_flipped_byte_is_noticed():
    """One bit at some 400 places all over the file: no place hides a change."""
    for at in range(0, len(SIGNED), max(1, len(SIGNED) // 400)):
        changed = bytearray(SIGNED)
        changed[at] ^= 1
        refused(bytes(changed))


SUSPECT, AWFUL = (f"severity: {one}\n    alarm: true\n    zh: 恒值" for one in ("suspect", "awful"))


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "what", "mend"),
    [
        ("core", SUSPECT, AWFUL, "K1", "awful", "hold, inform"),
        (
            "core",
            "    masks: true\n    letters: F",
            "    mask: true\n    letters: F",
            "mark",
            "mask",
            "`masks`",
        ),
        ("core", "set: {horizon: 12}", "set: {horizon: '12'}", "gap", "float", "number"),
        ("core", "set: {horizon: 12}", "set: {horizon: .nan}", "", "no number", "mend"),
        ("core", "horizon: 12", "horizons: 12", "gap", "needs exactly", "mend this rule"),
        ("core", "    number: 5\n", "    number: 6\n", "gap", "mix up", "mend this rule"),
        ("core", "valid_from: 2012-01-01", "valid_from: 2012-02-31", "", "no YAML", "mend"),
        ("core", "    zh: 恒值\n", "    zh: 恒值\n    zh: 常值\n", "", "twice", "mend"),
        ("profiles/flue-gas", "id: flue-gas", "id: waste-water", "", "the id of", "mend"),
        ("falsification/K", "- id: K1", "- id: K9", "K9", "no function", "mend this rule"),
        ("falsification/S", "- id: S1", "- id: K1", "K1", "as well", "mend this rule"),
        ("falsification/K", "weight: 0.9", "weight: 1.5", "K1", "< 1", "in that range"),
        ("validity/marks", "standing: missing", "standing: gone", "hj212-2005", "gone", "invalid, missing"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_rule_and_cure(file, old, new, rule, what, mend):
    changed = files((f"{file}.yaml", old, new))
    with pytest.raises(schema.BadRules) as caught:
        signed.build(changed, "1", ISSUER, BEGIN, END)
    problem = caught.value.problems[0]
    assert caught.value.reason == "schema" and problem.place in str(caught.value)
    assert (problem.file, problem.rule) == (f"{file}.yaml", rule)
    assert what in problem.en and mend in problem.mend_en
    assert problem.zh and problem.mend_zh
    lines = changed[f"{file}.yaml"].decode().splitlines()
    near = "\n".join(lines[problem.line - 1 : problem.line + 3])
    assert problem.line == 0 or (rule and rule in near) or any(one in near for one in new.splitlines())


def test_the_packaged_rules_are_sound_and_a_missing_file_is_named():
    assert schema.check(FILES) == ()
    fewer = {name: content for name, content in FILES.items() if name != "validity/marks.yaml"}
    assert [one.place for one in schema.check(fewer)] == ["validity/marks.yaml"]
    assert [one.place for one in schema.check(FILES | {"extra.yaml": b"[]"})] == ["extra.yaml"]


BOMB = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BOMB, "aliases written out"),
        ("a: &a [*a]", "no complete anchor"),
        ("[" * 200 + "]" * 200, "levels deep"),
        ("x" * 300_000, "characters"),
        ("- 1\n" * 65_000, "more than"),
        ("a: 1\na: 2", "twice"),
        ("a: !!python/object/apply:os.system ['true']", "no YAML"),
        ("a: " + "9" * 5000, "no YAML"),
        ("? [a]\n: 1", "no YAML"),
        ("a: .inf", "no number"),
        ("a: \x00", "no YAML"),
        ("", "empty"),
        ("a: [1", "no YAML"),
    ],
)  # fmt: skip
def test_hostile_yaml_costs_little_and_is_refused(text, what):
    begun = time.process_time()
    with pytest.raises(Flawed, match=what):
        document(text)
    assert time.process_time() - begun < 2.0
