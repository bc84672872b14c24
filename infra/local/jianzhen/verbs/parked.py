"""`jianzhen parked`: messages that a service could not handle: listed, shown, handled again."""

from typing import Annotated, Any

import httpx
import typer
from contracts.catalogue import consumed_by

from jianzhen.platform import Platform
from jianzhen.screen import AsJson, put
from jianzhen.state import SERVICES, Refused

ADMIN = "platform.admin"
CONSUMERS = tuple(service for service in SERVICES if consumed_by(service))

app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled. 未能处理的消息。")
Service = Annotated[str, typer.Argument(help=f"one of {', '.join(CONSUMERS)} · 服务")]
Number = Annotated[str, typer.Argument(help="its id in `parked list` · 编号")]


@app.command("list")
def list_parked(
    service: Annotated[str, typer.Argument(help="one service, else all · 服务")] = "", as_json: AsJson = False
) -> None:
    """What waits to be handled, oldest first; exit code 1 when there is any. 列出。

    \b
    Examples:
      jianzhen parked list
      jianzhen parked list qc --json
    """
    rows: list[dict[str, Any]] = []
    for name in [_known(service)] if service else CONSUMERS:
        page: str | None = ""
        while page is not None:
            answer = _call("GET", f"/api/{name}/parked", params={"cursor": page} if page else {})
            rows += [{"service": name, **item} for item in answer["items"]]
            page = answer.get("next")
    put(rows, as_json, "\n".join(map(_line, rows)) or "nothing is parked")
    if rows:
        raise typer.Exit(1)


@app.command()
def show(service: Service, number: Number, as_json: AsJson = False) -> None:
    """One message with its reason and its content. 查看一条。

    \b
    Example:
      jianzhen parked show qc 17
    """
    found = _call("GET", f"/api/{_known(service)}/parked/{number}")
    put(found, as_json, "\n".join(f"{key}: {value}" for key, value in found.items()))


@app.command()
def replay(
    service: Service,
    number: Number,
    skip: Annotated[bool, typer.Option(help="give this one up, handle what waits behind it · 跳过")] = False,
    as_json: AsJson = False,
) -> None:
    """Handle it again, with the later messages of the same key that wait behind it. 重新处理。

    \b
    Examples:
      jianzhen parked replay qc 019a…
      jianzhen parked replay qc 019a… --skip
    """
    path = f"/api/{_known(service)}/parked/{number}/replay"
    found = _call("POST", path, params={"skip": "true"} if skip else None)
    put(found, as_json, "\n".join(f"{key}: {value}" for key, value in found.items()))


def _line(row: dict[str, Any]) -> str:
    where = f"{row['event']}/{row['lane']} #{row['seq']}"
    reason = str(row["reason"]).splitlines()[0][:160]
    return (
        f"{row['service']:<8} {row['id']}  {where}  key {row['key']}  {row['parked_at']}\n         {reason}"
    )


def _known(service: str) -> str:
    if service not in CONSUMERS:
        raise Refused(f"'{service}' listens to nothing; one of: {', '.join(CONSUMERS)}")
    return service


def _call(method: str, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
    platform = Platform.here()
    try:
        with platform.client(ADMIN) as client:
            answer = client.request(method, path, params=params)
    except httpx.TransportError as error:
        raise Refused(f"the platform does not answer at {platform.edge} ({error})", 3) from None
    if answer.status_code >= 400:
        detail = (
            answer.json().get("detail") or answer.json().get("title")
            if answer.content
            else answer.reason_phrase
        )
        raise Refused(f"{path}: {answer.status_code} {detail}", 3 if answer.status_code >= 500 else 2)
    return dict(answer.json()) if answer.content else {}
