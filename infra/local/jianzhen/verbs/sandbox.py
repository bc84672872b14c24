"""`jianzhen sandbox`: a new department's system becomes able to send, and is told how."""

import csv
import json
import os
import re
import secrets
import shlex
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from issuer.credentials import ensure
from issuer.realm import load

from jianzhen.demo.officers import ask
from jianzhen.demo.registration import CLERK
from jianzhen.handing import service_keys
from jianzhen.identity import files
from jianzhen.platform import Platform
from jianzhen.screen import AsJson, put
from jianzhen.state import Refused, State
from jianzhen.verbs.identity import equal

app = typer.Typer(help="Let a department's system try the platform. 部门系统接入沙箱。", no_args_is_help=True)
NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")
NEXT = """\
# 已接入 joined: {client} ({dept}, {region}) → {site}; {env} 交给该部门 is the department's to keep
# 1 一个令牌，15 分钟有效 · a token, good for 15 minutes
. ./{env}
TOKEN={token}
# 2 报送刚结束的一小时 · send the hour that has just ended
HOUR=$(TZ=CST-7 date +%FT%H:00:00+08:00)
A="Authorization: Bearer $TOKEN"; J='Content-Type: application/json'
curl -sS -H "$A" -H "$J" $JZ_URL/api/ingest/observations -d '{{"source": "'$JZ_SOURCE'", "rows": [
  {{"site": "'$JZ_SITE'", "factor": "'$JZ_FACTOR'", "time": "'$HOUR'", "value": 48}}]}}'
# 3 读回 · read it back
curl -sS -H "$A" "$JZ_URL/api/ingest/series/$JZ_SERIES/observations?format=csv"
"""
BY_SECRET = """\
$(curl -sS $JZ_URL/realms/jianzhen/protocol/openid-connect/token -d grant_type=client_credentials \\
  -d client_id=$JZ_CLIENT --data-urlencode client_secret=$JZ_SECRET |
  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"""  # noqa: S105 how one asks, not a secret
BY_KEY = "$(python -m jianzhen_client)"


@app.callback()
def sandbox() -> None:
    """Let a department's system try the platform. 部门系统接入沙箱。"""


@app.command()
def join(  # noqa: PLR0913 each argument is an option of the command
    name: Annotated[str, typer.Argument(help="what the system is called: small letters, digits, - · 系统名")],
    dept: Annotated[str, typer.Option(help="its department, docs/permissions.md · 部门")],
    region: Annotated[str, typer.Option(help="its region, GB/T 2260 · 行政区")] = "131000",
    factor: Annotated[str, typer.Option(help="what it measures, hourly · 监测因子")] = "a34004",
    element: Annotated[str, typer.Option(help="air, water … · 环境要素")] = "air",
    key: Annotated[
        Path | None, typer.Option(help="prove itself by this key, made if absent · 私钥文件")
    ] = None,
    keycloak: Annotated[
        str, typer.Option(help="Keycloak's address, if it is not the embedded issuer · Keycloak 地址")
    ] = "",
    admin: Annotated[str, typer.Option(help="Keycloak's administrator · 管理员")] = "admin",
    as_json: AsJson = False,
) -> None:
    """Make a system known, register a place and a series for it, and say how to send. 一条命令完成接入。

    What the system needs is written to NAME.env, for its owner only. Again changes nothing.
    With --keycloak the administrator's password comes from KEYCLOAK_ADMIN_PASSWORD, and JIANZHEN_URL and
    JIANZHEN_TOKEN name the platform and who registers.

    \b
    Examples:
      jianzhen sandbox join met-demo --dept met --region 131000
      jianzhen sandbox join met-demo --dept met --key met-demo.pem
    """
    if not NAME.fullmatch(name):
        raise Refused(
            f"{name!r} is no name of a system: small letters, digits and -, beginning with a letter"
        )
    client, env = f"sys-{name}", Path(f"{name}.env")
    raw = files.json_of(files.REALM)
    if any(one["clientId"] == client for one in raw["clients"]):
        raise Refused(f"{client} is a system of the platform itself: choose another name")
    platform = Platform.here()
    row = {"client": client, "dept": dept, "region": region, "roles": "data.submit", "name": name}
    if key is not None:
        from jianzhen.identity import proof

        row["public_key"] = proof.public(key)
    secret = _known_in_keycloak(keycloak, admin, row) if keycloak else _known_here(row)
    told = {"JZ_URL": platform.edge, "JZ_CLIENT": client, "JZ_SOURCE": name, "JZ_FACTOR": factor}
    site, series = _register(platform, row, factor, element)
    told |= {"JZ_SITE": site, "JZ_SERIES": series}
    told |= {"JZ_KEY": str(key.resolve())} if key is not None else {"JZ_SECRET": secret}
    _write(env, "".join(f"export {word}={shlex.quote(value)}\n" for word, value in told.items()))
    token = BY_SECRET if key is None else BY_KEY
    text = NEXT.format(client=client, dept=dept, region=region, site=site, env=env, token=token)
    put({"client": client, "site": site, "series": series, "env": str(env), "next": text}, as_json, text)


def _known_here(row: dict[str, str]) -> str:
    """The system is a row of this run's roster; its secret, empty when it has a key. Raises Refused."""
    state = State.here()
    if os.environ.get("JIANZHEN_URL"):
        raise Refused("a platform elsewhere has its own Keycloak: name it by --keycloak")
    roster, identity = files.local_roster(state), state.home / "secrets" / "identity.json"
    before = roster.read_text(encoding="utf-8") if roster.exists() else ""
    for one in csv.DictReader(before.splitlines()):
        if one["client"] == row["client"] and (one["dept"], one["region"]) != (row["dept"], row["region"]):
            joined = f"{row['name']} has joined as {one['dept']} of {one['region']}"
            raise Refused(f"{joined}: choose another name, or say the same again")
    # The secret is there before the issuer, which looks at the realm at its next request, could make another.
    with tempfile.TemporaryDirectory(dir=state.home) as folder:
        trial = State(Path(folder))
        keys = service_keys(state)
        found = ensure(identity, load(files.renew(trial, files.roster_of(before, row), keys)))
        files.renew(state, files.local_roster(trial).read_text(encoding="utf-8"), keys)
    return found["clients"].get(row["client"], "") if "public_key" not in row else ""


def _known_in_keycloak(url: str, admin: str, row: dict[str, str]) -> str:
    """The same in Keycloak, of which all else stays. A secret is made anew: it need not have kept ours."""
    secret = "" if "public_key" in row else "s" + secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "secrets.json"
        _write(given, json.dumps({"users": {}, "clients": {row["client"]: secret} if secret else {}}))
        equal(url, admin, (files.REALM, files.of_rows(files.roster_of("", row))), given)
    return secret


def _register(platform: Platform, row: dict[str, str], factor: str, element: str) -> tuple[str, str]:
    """A place of the department and one hourly series of it; the place's code and the series' number."""
    site = f"{row['region']}-SANDBOX-{row['name'].upper()}"
    body: dict[str, Any] = {
        "kind": "station",
        "element": element,
        "region": row["region"],
        "dept": row["dept"],
        "name_zh": f"沙箱点位 {row['name']}",
        "name_en": f"Sandbox {row['name']}",
    }
    ask(platform, CLERK, "PUT", f"/api/ingest/sites/{site}", body)
    series = {"site": site, "factor": factor, "period": "hour", "source": row["name"]}
    answer = ask(platform, CLERK, "PUT", "/api/ingest/series", {"series": [series]})
    return site, str(answer["items"][0]["id"])


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
