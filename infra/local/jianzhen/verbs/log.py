"""`jianzhen log`: what anyone can do with the evidence log: verify, witness, check it, fetch a bundle."""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from tlog import cosignature, ed25519, note, offline
from tlog.__main__ import shown
from tlog.note import BadNote
from tlog.offline import Report, Unusable
from tlog.trust import Secret, Trust, parse_secret, trusted

from jianzhen import auditing
from jianzhen.fsck import Files, Inspection, fetch_bundle, pages, saying
from jianzhen.platform import Platform
from jianzhen.screen import AsJson, console, put, say
from jianzhen.state import Refused

app = typer.Typer(no_args_is_help=True, help="The evidence log: verify, witness, check. 存证日志。")
verify = typer.Typer(no_args_is_help=True, help="Verify from files alone, offline. 只凭文件离线核验。")
key = typer.Typer(no_args_is_help=True, help="Keys of logs and witnesses. 日志与见证方的密钥。")
app.add_typer(verify, name="verify")
app.add_typer(key, name="key")

LOG, AUDITOR, OFFICER = "/log", "ee/auditor@131000", "ee.enf/case.officer@131000"
SETTLING = timedelta(seconds=60)
COLUMNS = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn())

TrustFile = Annotated[
    Path | None, typer.Option("--trust", help="lines `log KEY`, `witness KEY`, `quorum N` · 信任文件")
]
LogKey = Annotated[str, typer.Option("--log-key", help="instead of --trust · 日志公钥")]
WitnessKeys = Annotated[list[str] | None, typer.Option("--witness", help="repeatable · 见证方公钥")]
Quorum = Annotated[int, typer.Option("--quorum", min=0, help="cosignatures needed · 所需联署数")]


@verify.command("receipt")
def verify_receipt(  # noqa: PLR0913 each argument is an option of the command
    file: Annotated[Path, typer.Argument(help="the receipt, JSON · 回执")],
    raw: Annotated[Path | None, typer.Option(help="the bytes that were sent · 原始报文")] = None,
    trust: TrustFile = None,
    log_key: LogKey = "",
    witness: WitnessKeys = None,
    quorum: Quorum = 0,
    as_json: AsJson = False,
) -> None:
    """Is what the receipt says in the log; with --raw, are these the bytes. 核验回执。

    Nothing is fetched. Take the trust file from where the log and its witnesses publish their keys, not from
    whoever hands you the receipt. Exit code 1 when it does not hold.

    \b
    Examples:
      jianzhen log verify receipt receipt.json --raw frame.bin --trust trust.txt
      python -m tlog verify receipt receipt.json --raw frame.bin --trust trust.txt    (without the platform)
    """
    believed = _trust(trust, log_key, witness, quorum)
    _put(lambda: offline.receipt(file, _needed(believed), raw), as_json)


@verify.command("raw")
def verify_raw(  # noqa: PLR0913 each argument is an option of the command
    file: Annotated[Path, typer.Argument(help="the bytes · 原始报文")],
    receipt: Annotated[Path, typer.Argument(help="their receipt · 回执")],
    trust: TrustFile = None,
    log_key: LogKey = "",
    witness: WitnessKeys = None,
    quorum: Quorum = 0,
    as_json: AsJson = False,
) -> None:
    """Are these the bytes that were received, and is their record in the log. 核验原始报文。

    \b
    Example:
      jianzhen log verify raw frame.bin receipt.json --trust trust.txt
    """
    believed = _trust(trust, log_key, witness, quorum)
    _put(lambda: offline.receipt(receipt, _needed(believed), file), as_json)


@verify.command("consistency")
def verify_consistency(  # noqa: PLR0913 each argument is an option of the command
    old: Annotated[Path, typer.Argument(help="the older checkpoint · 旧检查点")],
    new: Annotated[Path, typer.Argument(help="the newer checkpoint · 新检查点")],
    proof: Annotated[Path, typer.Argument(help="base64 lines, or the folder of the log's tiles · 证明")],
    trust: TrustFile = None,
    log_key: LogKey = "",
    witness: WitnessKeys = None,
    quorum: Quorum = 0,
    as_json: AsJson = False,
) -> None:
    """Does the newer checkpoint contain all of the older one: nothing was taken away or changed. 核验一致性。

    Two signed checkpoints of one size with different roots are a fork: keep both files, they prove it.

    \b
    Example:
      jianzhen log verify consistency checkpoint.monday checkpoint.friday ./log --trust trust.txt
    """
    believed = _trust(trust, log_key, witness, quorum)
    _put(lambda: offline.consistency(old, new, proof, _needed(believed)), as_json)


@verify.command("bundle")
def verify_bundle(
    file: Annotated[Path, typer.Argument(metavar="ZIP", help="the evidence bundle · 证据包")],
    trust: TrustFile = None,
    log_key: LogKey = "",
    witness: WitnessKeys = None,
    quorum: Quorum = 0,
    as_json: AsJson = False,
) -> None:
    """Does everything in an evidence bundle hold together, and are its raw bytes in the log. 核验证据包。

    Without --trust the bundle's own keys are believed, and shown, so that you can compare them.

    \b
    Example:
      jianzhen log verify bundle device.zip --trust trust.txt
    """
    believed = _trust(trust, log_key, witness, quorum)
    _put(lambda: offline.evidence(file, believed), as_json)


@key.command("new")
def new_key(
    file: Annotated[Path, typer.Argument(help="where to keep it; must not exist · 密钥文件")],
    name: Annotated[str, typer.Option(help="e.g. witness.example.gov.cn/w1 · 名称")],
    is_log: Annotated[
        bool, typer.Option("--for-log", help="signs checkpoints, does not cosign · 日志用")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its public half; the file is readable by you only. 生成密钥。

    Give the public line to whoever should believe this witness; never the file.

    \b
    Example:
      jianzhen log key new witness.key --name discipline.example/w1
    """
    kind = note.ED25519 if is_log else cosignature.COSIGNATURE
    try:
        secret = Secret(note.checked_name(name), secrets.token_bytes(ed25519.SEED_SIZE), kind)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(secret.text + "\n")
    except BadNote as wrong:
        raise Refused(f"--name {name}: {wrong}") from None
    except OSError as wrong:
        raise Refused(f"{file} cannot be made: {wrong.strerror}") from None
    put({"file": file, "name": name, "key": secret.key.text, "kind": kind}, as_json, secret.key.text)


@key.command("show")
def show_key(
    file: Annotated[Path, typer.Argument(help="a secret key's file · 密钥文件")], as_json: AsJson = False
) -> None:
    """Print the public half of a key. 显示公钥。

    \b
    Example:
      jianzhen log key show witness.key
    """
    secret = _secret(file)
    put({"file": file, "name": secret.name, "key": secret.key.text}, as_json, secret.key.text)


@app.command()
def witness(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one · 监听地址")],
    state: Annotated[Path, typer.Option(help="its memory; keep it safe · 状态文件")],
    key_file: Annotated[Path, typer.Option("--key", help="made by `log key new` · 密钥文件")],
    log: Annotated[
        list[str], typer.Option(help="a log's public key, or a file with it; repeatable · 日志公钥")
    ],
    as_json: AsJson = False,
) -> None:
    """Cosign what a log signs, as long as it takes nothing back. 以另一部门的身份见证日志。

    C2SP tlog-witness: POST /add-checkpoint; GET / says who this is. Run it in another department, on another
    machine, with its state where backups do not roll it back. Ends with Ctrl-C or SIGTERM.

    \b
    Example:
      jianzhen log witness --listen 127.0.0.1:7380 --state w1.json --key w1.key --log NAME+ID+KEY
    """
    # A web server takes two seconds to import; no other verb needs one.
    import uvicorn

    from jianzhen import witness as witnessing

    secret = _secret(key_file)
    if secret.kind != cosignature.COSIGNATURE:
        raise Refused(
            f"{key_file} is the key of a log: a witness needs one of its own (`jianzhen log key new`)"
        )
    logs, memory = witnessing.logs_of(log), witnessing.Memory.open(state)
    host, _, port = listen.rpartition(":")
    try:
        door = socket.create_server((host.strip("[]"), int(port)), backlog=128)
    except (OSError, ValueError, OverflowError) as wrong:
        raise Refused(f"--listen {listen}: {wrong}") from None
    with door:
        address = f"http://{host}:{door.getsockname()[1]}"
        put({"url": address, "key": secret.key.text}, as_json, f"{address} {secret.key.text}")
        sys.stdout.flush()
        watching = witnessing.application(witnessing.Witness(secret, logs, memory))
        config = uvicorn.Config(
            watching, log_config=None, access_log=False, limit_concurrency=200, timeout_graceful_shutdown=5
        )
        asyncio.run(uvicorn.Server(config).serve(sockets=[door]))
    say("ended")


@app.command()
def fsck(
    log: Annotated[str, typer.Option(help="folder, or address ending in /log; default: here · 日志")] = "",
    submissions: Annotated[
        bool, typer.Option("--submissions", help="also the databases and raw bytes · 一并核对报送")
    ] = False,
    who: Annotated[str, typer.Option("--as", help="an auditor, for --submissions · 审计身份")] = AUDITOR,
    trust: TrustFile = None,
    as_json: AsJson = False,
) -> None:
    """Hash every file of the log again and name what was changed. 全量核对日志,指出被改动之处。

    With --submissions also each submission's raw bytes and row against its leaf, and the log's own database
    against its files. Without --trust the keys the log itself names are believed. Exit code 1 on findings.

    \b
    Examples:
      jianzhen log fsck
      jianzhen log fsck --log ./copy-of-the-log --trust trust.txt
      jianzhen log fsck --submissions --json | jq '.findings[].where'
    """
    platform = Platform.here() if submissions or not log else None
    files = Files(log or f"{platform.edge if platform else ''}{LOG}")
    believed = _trust(trust, "", None, 0) or files.trust()
    settled = (datetime.now(UTC) - SETTLING).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with Progress(*COLUMNS, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, read: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=read, total=of)

        run = Inspection(files, tell)
        checkpoint = run.checkpoint(believed)
        run.hash_all(checkpoint, remember=submissions)
        count = None
        if submissions and platform:
            rows = pages(platform, who, "/api/evidence/leaves"), pages(platform, who, "/api/ingest/leaves")
            count = run.compare(*rows, settled)
    files.close()
    signatures = "not checked" if believed is None else f"{believed.quorum} witnesses needed"
    told = {"log": files.place, "size": checkpoint.size, "signatures": signatures, "submissions": count}
    lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
    wrong = [one.line for one in run.found] or ["nothing was changed 未发现改动"]
    put({**told, "findings": [one.shown for one in run.found]}, as_json, "\n".join([*wrong, *lines]))
    if run.found:
        raise typer.Exit(1)


@app.command()
def audit(
    who: Annotated[str, typer.Option("--as", help="an auditor · 审计身份")] = AUDITOR,
    as_json: AsJson = False,
) -> None:
    """Compare the audit of who wrote, read and was refused with its seals in the log. 核对审计记录。

    Names every event that was changed or is gone. Exit code 1 on findings.

    \b
    Examples:
      jianzhen log audit
      jianzhen log audit --json | jq '.findings[]'
    """
    platform, settled = Platform.here(), datetime.now(UTC) - SETTLING
    # Leaves before seals, seals before events: each of what comes first has what it rests on in the next.
    leaves = list(pages(platform, who, "/api/evidence/leaves"))
    seals = list(pages(platform, who, "/api/gateway/audit/seals"))
    events = list(pages(platform, who, "/api/gateway/audit"))
    found = list(auditing.faults(seals, events, leaves, settled))
    told = {"events": len(events), "seals": len(seals)}
    wrong = [auditing.line(fault) for fault in found] or ["nothing was changed 未发现改动"]
    lines = [f"{name}: {value}" for name, value in told.items()]
    put({**told, "findings": found}, as_json, "\n".join([*wrong, *lines]))
    if found:
        raise typer.Exit(1)


@app.command()
def bundle(  # noqa: PLR0913 each argument is an option of the command
    device: Annotated[str, typer.Option(help="its MN · 设备编码 MN")],
    since: Annotated[str, typer.Option("--from", help="first instant, ISO 8601; naive is +08:00 · 起始时刻")],
    to: Annotated[str, typer.Option(help="end, not included · 结束时刻(不含)")],
    output: Annotated[Path, typer.Option("-o", "--output", help="the zip to write · 输出文件")],
    who: Annotated[str, typer.Option("--as", help="who may read its raw bytes · 身份")] = OFFICER,
    purpose: Annotated[str, typer.Option(help="what it is read for, X-Purpose · 查阅目的")] = "supervision",
    case: Annotated[str, typer.Option(help="the case it is for, X-Case · 案件编号")] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch the evidence bundle of one device and period, and verify it. 取得并核验证据包。

    Raw bytes, receipts with proofs, registry as of then, values, quality codes, manifest, README. The file
    appears under its name only when it is whole. Exit code 1 when it does not verify.

    \b
    Example:
      jianzhen log bundle --device 131000A01000000000000001 --from 2026-11-20 --to 2026-11-21 -o evidence.zip
    """
    platform, part = Platform.here(), output.with_name(output.name + ".part")
    try:
        fetch_bundle(platform, who, device, {"from": since, "to": to}, part, saying(purpose, case))
        part.replace(output)
    except OSError as wrong:
        raise Refused(f"{output} cannot be written: {wrong.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    _put(lambda: {"file": str(output), **offline.evidence(output)}, as_json)


@app.command("trust")
def show_trust(
    log: Annotated[str, typer.Option(help="address ending in /log; default: here · 日志地址")] = "",
    as_json: AsJson = False,
) -> None:
    """Print whom a log says to believe, as a trust file. 输出日志公布的公钥,作为信任文件。

    Compare it with what the log's and the witnesses' departments publish elsewhere before you rely on it.

    \b
    Example:
      jianzhen log trust > trust.txt
    """
    files = Files(log or f"{Platform.here().edge}{LOG}")
    found = files.trust()
    files.close()
    if found is None:
        raise Refused(f"{files.place} does not say whom to trust")
    keys = {"log": found.log.text, "witnesses": [one.text for one in found.witnesses]}
    put({**keys, "quorum": found.quorum}, as_json, found.text)


def _secret(file: Path) -> Secret:
    try:
        if file.stat().st_mode & 0o077:
            say(f"[yellow]{file} can be read by others: chmod 600 {file}[/]")
        return parse_secret(file.read_text())
    except (OSError, UnicodeDecodeError, BadNote) as wrong:
        raise Refused(f"{file}: {wrong}") from None


def _trust(file: Path | None, log_key: str, witnesses: list[str] | None, quorum: int) -> Trust | None:
    try:
        if file:
            return offline.trust_of(file)
        if not log_key:
            return None
        return trusted([note.parse_key(log_key)], [*map(note.parse_key, witnesses or [])], quorum)
    except (BadNote, Unusable) as wrong:
        raise Refused(f"whom to trust: {wrong}") from None


def _needed(trust: Trust | None) -> Trust:
    if trust is None:
        raise Refused("whom to trust? --trust FILE, or --log-key KEY --witness KEY … --quorum N")
    return trust


def _put(verified: Callable[[], Report], as_json: bool) -> None:
    try:
        report = verified()
    except Unusable as wrong:
        raise Refused(str(wrong)) from None
    put(report, as_json, shown(report))
    if not report["ok"]:
        raise typer.Exit(1)
