"""`jianzhen frames check`: what the receiver would say about HJ 212 frames."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from jianzhen.screen import AsJson, put, say
from jianzhen.state import Refused

app = typer.Typer(no_args_is_help=True, help="HJ 212 frames, offline. 离线检查 HJ 212 报文。")


@app.callback()
def frames() -> None:
    """HJ 212 frames, offline. 离线检查 HJ 212 报文。"""


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="a file of frames, one a line; '-' = stdin · 报文文件")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge each frame: dialect, length, CRC, fields, reasons; one JSON line each. 逐帧检查。

    The same code as the platform's receiver; nothing is sent. Exit code 1 when a frame is at fault.

    \b
    Examples:
      jianzhen frames check frames.txt
      printf '##0101QN=…\\r\\n' | jianzhen frames check
      jianzhen frames check frames.txt | jq 'select(.ok | not) | .problems'
    """
    from ingest.rules.frames import check_line  # ingest's tables are wanted by this verb only

    if file is None or str(file) == "-":
        content = sys.stdin.buffer.read()
    elif file.is_file():
        content = file.read_bytes()
    else:
        raise Refused(f"{file} is not a file")
    found = [check_line(line) for line in content.splitlines() if line.strip()]
    if as_json:
        put(found, as_json)
    else:
        sys.stdout.writelines(msgspec.json.encode(one).decode() + "\n" for one in found)
    bad = sum(not one.get("ok") for one in found)
    say(f"{len(found)} frames, {bad} at fault")
    if bad:
        raise typer.Exit(1)
