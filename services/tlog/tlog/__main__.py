"""`python -m tlog verify receipt|raw|consistency|bundle`: what a court needs, and nothing else.

Promises: exit code 0 it holds, 1 it does not, 2 a file cannot be read or the call is wrong. Leaves the
verification to `tlog.offline`.
"""

import argparse
import json
import sys
from pathlib import Path

from tlog import offline
from tlog.note import BadNote, parse_key
from tlog.offline import Report, Unusable
from tlog.trust import Trust, trusted

HELP = """Verifies evidence from files alone, offline. 只凭文件离线核验证据。

Whom to trust is a file of lines `log KEY`, `witness KEY`, `quorum N` (--trust). Take it from where the log
and its witnesses publish their keys, not from whoever hands you the evidence.
信任文件(--trust)写明日志公钥、见证方公钥和所需联署数,应取自各方自行公布之处,而不是出具证据的一方。
"""


def main(argv: list[str] | None = None) -> int:
    """Exit code of one call."""
    asked = _parser().parse_args(argv)
    try:
        report = _verify(asked)
    except Unusable as wrong:
        sys.stderr.write(f"tlog: {wrong}\n")
        return 2
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n" if asked.json else shown(report))
    return 0 if report["ok"] else 1


def shown(report: Report) -> str:
    """A report for eyes."""
    lines = ["核验通过 · It holds." if report["ok"] else "核验不通过 · It does not hold."]
    for found in report["findings"]:
        detail = f" ({found['detail']})" if found["detail"] else ""
        lines.append(f"  ✗ {found['where']}: {found['zh']} · {found['en']}{detail}")
    for name, value in report.items():
        if name not in ("ok", "findings", "trust"):
            lines.append(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")
    if report.get("keys") == "the bundle's own":
        lines.append("  以下公钥来自证据包自身,请与日志及见证方自行公布的公钥核对,或以 --trust 指定:")
        lines.append(
            "  These keys are the bundle's own. Compare them with the published ones, or give --trust:"
        )
        lines += [f"    {line}" for line in report["trust"]]
    return "\n".join(lines) + "\n"


def _verify(asked: argparse.Namespace) -> Report:
    trust = _trust(asked)
    if asked.what == "bundle":
        return offline.evidence(asked.file, trust)
    if trust is None:
        raise Unusable("whom to trust? give --trust FILE, or --log-key KEY and --witness KEY … --quorum N")
    if asked.what == "consistency":
        return offline.consistency(asked.old, asked.new, asked.proof, trust)
    return offline.receipt(asked.receipt, trust, asked.raw)


def _trust(asked: argparse.Namespace) -> Trust | None:
    if asked.trust:
        return offline.trust_of(asked.trust)
    if not asked.log_key:
        return None
    try:
        return trusted([parse_key(asked.log_key)], [*map(parse_key, asked.witness)], asked.quorum)
    except BadNote as wrong:
        raise Unusable(f"not a key to trust: {wrong}") from wrong


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tlog", description=HELP, formatter_class=_Raw)
    verify = parser.add_subparsers(required=True, metavar="verify").add_parser("verify", help="核验 · verify")
    kinds = verify.add_subparsers(dest="what", required=True)
    receipt = kinds.add_parser("receipt", help="a receipt, and the raw bytes with --raw · 回执")
    receipt.add_argument("receipt", type=Path)
    receipt.add_argument("--raw", type=Path, help="the bytes that were sent · 原始报文")
    raw = kinds.add_parser("raw", help="raw bytes against their receipt · 原始报文")
    raw.add_argument("raw", type=Path)
    raw.add_argument("receipt", type=Path)
    consistency = kinds.add_parser("consistency", help="two checkpoints: nothing was taken away · 一致性")
    consistency.add_argument("old", type=Path)
    consistency.add_argument("new", type=Path)
    consistency.add_argument("proof", type=Path, help="base64 lines, or the folder of the log's tiles")
    bundle = kinds.add_parser("bundle", help="an evidence bundle · 证据包")
    bundle.add_argument("file", type=Path)
    for each in (receipt, raw, consistency, bundle):
        each.add_argument(
            "--trust", type=Path, help="file of lines log KEY, witness KEY, quorum N · 信任文件"
        )
        each.add_argument("--log-key", help="instead of --trust · 日志公钥")
        each.add_argument("--witness", action="append", default=[], help="repeatable · 见证方公钥")
        each.add_argument("--quorum", type=int, default=0, help="cosignatures needed · 所需联署数")
        each.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    sys.exit(main())
