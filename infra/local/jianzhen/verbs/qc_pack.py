"""`jianzhen qc pack`: all rules in one signed file, the same for the platform and for a desk."""

import os
import secrets
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jianzhen.screen import AsJson, put, say
from jianzhen.selfcheck.told import refusal

if TYPE_CHECKING:
    from qc.rules.bundle.signed import Pack

app = typer.Typer(no_args_is_help=True, help="Signed rule packs. 签名规则包。")
PackFile = Annotated[Path, typer.Argument(metavar="PACK", help="the pack · 规则包")]
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="public key, or a file of them; repeatable · 签发单位公钥")
]
AtLeast = Annotated[str, typer.Option(help="oldest version taken, e.g. 2026.11 · 最低版本")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="first day in force · 生效日")]
EndDay = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="first day no longer in force · 失效日")
]


@app.command()
def build(  # noqa: PLR0913 each argument is an option of the command
    out: Annotated[Path, typer.Argument(metavar="PACK", help="the file to write · 输出文件")],
    version: Annotated[str, typer.Option(help="numbers with points, e.g. 2026.11.1 · 版本")],
    issuer: Annotated[str, typer.Option(help="name of the key that will sign it · 签发单位")],
    valid_from: Day,
    valid_to: EndDay = None,
    rules: Annotated[
        Path | None, typer.Option(help="folder of YAML; default: this program's rules · 规则目录")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a folder of rules and put it into one file, unsigned. 检查规则并打包（未签名）。

    The same folder, version and dates give the same bytes everywhere. What is wrong is named with file, line,
    rule and how to mend it; exit code 2.

    \b
    Examples:
      jianzhen qc pack build rules.zip --version 2026.11.1 --issuer ee.example/rules --valid-from 2026-11-01
      jianzhen qc pack build rules.zip --rules ./mine --version 2026.12 --issuer me --valid-from 2026-12-01
    """
    from qc.rules.bundle import signed

    from jianzhen.selfcheck.packfile import told_as_refusal

    with told_as_refusal(rules or out):
        days = (_day(valid_from), _day(valid_to) if valid_to else None)
        pack = signed.build(_files(rules), version, issuer, *days)
    _write(out, pack.data)
    _show(out, pack, as_json)


@app.command()
def sign(
    file: PackFile,
    secret: Annotated[Path, typer.Option(help="made by `qc pack key` · 私钥文件")],
    as_json: AsJson = False,
) -> None:
    """Sign a pack under its issuer's name; the file is exchanged as a whole. 签发规则包。

    \b
    Example:
      jianzhen qc pack sign rules.zip --secret rules.key
    """
    from qc.rules.bundle import schema, signed
    from tlog import ed25519, note
    from tlog.note import BadNote
    from tlog.trust import parse_secret

    from jianzhen.selfcheck.packfile import content_of, told_as_refusal

    try:
        if secret.stat().st_mode & 0o077:
            say(f"[yellow]{secret} can be read by others 他人可读: chmod 600 {secret}[/]")
        mine = parse_secret(secret.read_text())
    except (OSError, UnicodeDecodeError, BadNote) as wrong:
        raise refusal(f"私钥 {secret} 无法使用：{wrong}", f"{secret}: {wrong}") from None
    with told_as_refusal(file):
        pack = signed.read(content_of(file))
        schema.require_sound(pack.files)
    if mine.kind != note.ED25519 or mine.name != pack.manifest.issuer:
        raise refusal(
            f"签发单位为 {pack.manifest.issuer}，密钥属于 {mine.name}：须用签发单位自己的签名密钥",
            f"the issuer is {pack.manifest.issuer}, the key is {mine.name}'s: the issuer's own key signs",
        )
    pack = signed.sign(pack, *ed25519.signer(mine.seed, mine.name))
    _write(file, pack.data)
    _show(file, pack, as_json)


@app.command()
def verify(file: PackFile, key: Keys = None, at_least: AtLeast = "", as_json: AsJson = False) -> None:
    """May this pack judge today: signed by whom, altered, in force, sound. 核验规则包。

    Take the public key from where its issuer publishes it, not from whoever hands you the pack. Exit code 2
    when it may not.

    \b
    Example:
      jianzhen qc pack verify rules.zip --key ee.example/rules+1a2b3c4d+AX…
    """
    from jianzhen.selfcheck.packfile import today, trusted

    source = trusted(file, key or [], at_least)
    told = {"file": file, **source.told(today()), "files": len(source.files)}
    put(told, as_json, f"有效 holds: {_line(told)}")


@app.command()
def show(file: PackFile, as_json: AsJson = False) -> None:
    """What a pack says of itself, and of its files; believed by nobody. 显示规则包（不核验签名）。

    \b
    Example:
      jianzhen qc pack show rules.zip --json | jq '.files["core.yaml"]'
    """
    from qc.rules.bundle import signed

    from jianzhen.selfcheck.packfile import content_of, told_as_refusal

    with told_as_refusal(file):
        pack = signed.read(content_of(file))
    _show(file, pack, as_json)


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="where to keep it; must not exist · 私钥文件")],
    name: Annotated[str, typer.Option(help="the issuer, e.g. ee.example/rules · 签发单位")],
    as_json: AsJson = False,
) -> None:
    """Make a key that signs packs and print its public half. 生成签发规则包的密钥。

    Publish the line that is printed; the file is readable by you only, keep it off the network.

    \b
    Example:
      jianzhen qc pack key rules.key --name ee.example/rules
    """
    from tlog import ed25519, note
    from tlog.note import BadNote
    from tlog.trust import Secret

    try:
        secret = Secret(note.checked_name(name), secrets.token_bytes(ed25519.SEED_SIZE), note.ED25519)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(secret.text + "\n")
    except BadNote as wrong:
        raise refusal(f"名称 {name} 不可用：{wrong}", f"--name {name}: {wrong}") from None
    except OSError as wrong:
        raise refusal(
            f"{file} 无法写入：{wrong.strerror}", f"{file} cannot be made: {wrong.strerror}"
        ) from None
    put({"file": file, "name": name, "key": secret.key.text}, as_json, secret.key.text)


def _day(day: datetime) -> date:
    return day.date()


def _files(folder: Path | None) -> dict[str, bytes]:
    """Every YAML under a folder by its name there; those of the program where no folder is named."""
    from qc.rules.bundle.archive import MOST_MEMBER, MOST_MEMBERS
    from qc.rules.source import packaged

    from jianzhen.selfcheck.packfile import content_of

    if folder is None:
        return {name: text.encode() for name, text in packaged().files.items()}
    found = sorted(folder.rglob("*.yaml"))[: MOST_MEMBERS + 1]
    if not found:
        raise refusal(f"{folder} 下没有 .yaml 文件", f"{folder}: there is no .yaml file in it")
    return {path.relative_to(folder).as_posix(): content_of(path, MOST_MEMBER) for path in found}


def _write(path: Path, data: bytes) -> None:
    from jianzhen.selfcheck.writing import whole

    with whole(path) as written:
        written.write(data)


def _show(file: Path, pack: "Pack", as_json: bool) -> None:
    manifest = pack.manifest
    told = {
        "file": file,
        "version": manifest.version,
        "sha256": pack.sha256,
        "issuer": manifest.issuer,
        "signatures": list(pack.signers),
        "valid_from": manifest.valid_from,
        "valid_to": manifest.valid_to,
        "files": manifest.files,
    }
    listed = [f"  {digest}  {name}" for name, digest in sorted(manifest.files.items())]
    signers = ", ".join(pack.signers) or "未签名 unsigned"
    put(
        told, as_json, "\n".join([*listed, f"{_line(told)}  签名（未核验）signatures, unverified: {signers}"])
    )


def _line(told: dict[str, Any]) -> str:
    until = told["valid_to"] or "…"
    by = ", ".join(told["signers"]) if "signers" in told else told["issuer"]
    return f"{told['version']}  sha256 {told['sha256']}  {by}  {told['valid_from']} – {until}"
