"""`jianzhen frames check`: what the receiver would say about HJ 212 frames."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO

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
    """Judge each line: dialect, length, CRC, fields, data, reasons; one JSON line each. 逐帧检查。

    The same code as the platform's receiver; nothing is sent. Every line has its object, in order, also an
    empty one. Exit code 1 when a line is at fault.

    \b
    Examples:
      jianzhen frames check frames.txt
      printf '##0101QN=…\\r\\n' | jianzhen frames check
      jianzhen frames check frames.txt | jq 'select(.ok | not) | .problems'
    """
    from ingest.rules.frames import check_line  # ingest's tables are wanted by this verb only

    lines = bad = 0
    kept: list[dict[str, Any]] = []
    with _opened(file) as content:
        for line in content:
            found = check_line(line)
            lines, bad = lines + 1, bad + (not found["ok"])
            if as_json:
                kept.append(found)
            else:
                sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    if as_json:
        put(kept, as_json)
    say(f"{lines} lines, {bad} at fault")
    if bad:
        raise typer.Exit(1)


def _opened(file: Path | None) -> AbstractContextManager[BinaryIO]:
    """The bytes to read, line by line: a file of a year of frames is not held in memory."""
    if file is None or str(file) == "-":
        return nullcontext(sys.stdin.buffer)
    if not file.is_file():
        raise Refused(f"{file} is not a file")
    return file.open("rb")
