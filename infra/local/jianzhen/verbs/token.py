"""`jianzhen token`: an access token of a demo principal."""

from pathlib import Path
from typing import Annotated

import typer

from jianzhen.platform import Platform
from jianzhen.screen import AsJson, put
from jianzhen.state import Refused


def token(
    who: Annotated[str, typer.Option("--as", help="dept/role@region, or a system's client · 身份")] = "",
    key: Annotated[Path | None, typer.Option(help="a system's private key · 系统私钥")] = None,
    listed: Annotated[bool, typer.Option("--list", help="whom one can be · 列出身份")] = False,
    as_json: AsJson = False,
) -> None:
    """Print an access token of a demo principal. 取得演示身份的访问令牌。

    The token alone goes to stdout, so that it can be used in place; it is good for 15 minutes.

    \b
    Examples:
      jianzhen token --as ee.enf/case.officer@131000
      curl -H "Authorization: Bearer $(jianzhen token --as ee.mon/qc.analyst@131000)" \\
           http://127.0.0.1:8080/api/qc/alarms
      jianzhen token --list
      jianzhen token --as sys-met-131000 --key met.pem
    """
    platform = Platform.here()
    if listed:
        put(platform.principals(), as_json, "\n".join(platform.principals()))
        return
    if not who:
        raise Refused("whom? say --as dept/role@region; `jianzhen token --list` names them")
    found = platform.token(who) if key is None else platform.token_by_key(who, key)
    put({"principal": who, "access_token": found}, as_json, found)
