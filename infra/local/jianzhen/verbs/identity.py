"""`jianzhen identity`: the realm of Keycloak is what the file and the roster say."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track

from jianzhen.identity.files import REALM, json_of, with_keys, with_people
from jianzhen.identity.plan import Step, steps
from jianzhen.identity.world import World, exact, wanted
from jianzhen.screen import AsJson, console, put
from jianzhen.state import Refused

if TYPE_CHECKING:
    from jianzhen.identity.keycloak import Server

app = typer.Typer(
    help="Departments, roles and people in Keycloak. Keycloak 中的部门、角色与人员。", no_args_is_help=True
)
VARIABLE = "KEYCLOAK_ADMIN_PASSWORD"
FINDINGS = 1


@app.callback()
def identity() -> None:
    """Departments, roles and people in Keycloak. Keycloak 中的部门、角色与人员。"""


@app.command()
def apply(  # noqa: PLR0913 each argument is an option of the command
    url: Annotated[
        str, typer.Option(help="where Keycloak answers · Keycloak 地址")
    ] = "http://127.0.0.1:8080",
    realm: Annotated[Path, typer.Option(help="the realm file · 域定义文件")] = REALM,
    people: Annotated[Path | None, typer.Option(help="a roster, CSV · 人员与系统名册")] = None,
    secrets: Annotated[Path | None, typer.Option(help="secrets and first passwords, JSON · 密钥文件")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="public keys of clients, JSON of `secrets keys` · 客户端公钥")
    ] = None,
    admin: Annotated[str, typer.Option(help="an administrator of master · 管理员")] = "admin",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what differs, change nothing · 只比较")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="disable whom the file does not name · 停用多余账号")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the realm as the file and the roster say, and show what differed. 使域与文件一致，并列出差异。

    The administrator's password comes from the environment (KEYCLOAK_ADMIN_PASSWORD). Nobody is ever deleted:
    who is not in the file is told, and with --prune disabled. Running it again changes nothing.
    With --dry-run, 1 means that something differs.

    \b
    Examples:
      jianzhen identity apply --url https://sso.example.gov.cn --dry-run
      jianzhen identity apply --url https://sso.example.gov.cn --people officers.csv
    """
    world = wanted(json_of(realm))
    if people is not None:
        world = with_people(world, people)
    if keys is not None:
        world = with_keys(world, json_of(keys))
    taken, given = equal(url, admin, (realm, world), secrets, dry_run=dry_run, prune=prune)
    put(
        {"realm": world.name, "steps": [_shown(step) for step in taken], "secrets": given},
        as_json,
        _text(taken, given),
    )
    if dry_run and any(step.do != "extra" for step in taken):
        raise typer.Exit(FINDINGS)


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="where the private key goes · 私钥文件")],
    as_json: AsJson = False,
) -> None:
    """Make a key for a department's system; its public half goes into the roster. 为部门系统生成密钥。

    The private key stays on this machine, for its owner only (0600). An existing file is never overwritten.
    """
    from jianzhen.identity import proof

    public = proof.make(file)
    put({"public_key": public}, as_json, public)


def equal(
    url: str,
    admin: str,
    of: tuple[Path, World],
    secrets: Path | None,
    *,
    dry_run: bool = False,
    prune: bool = False,
) -> tuple[list[Step], list[str]]:
    """Make Keycloak's realm as `of` (its file, what it shall be) says; the steps, whose secrets were set."""
    password = os.environ.get(VARIABLE)
    if not password:
        raise Refused(f"the administrator's password is not in the environment: set {VARIABLE}")
    from jianzhen.identity.keycloak import Server  # its library takes a second to load

    file, told = of
    world = exact(told)
    server = Server(url, world.name, admin, password)
    found = server.world()
    todo = steps(world, found, prune=prune)
    taken = list(todo)
    if not dry_run:
        if found is None:
            server.create_realm(json_of(file))
            todo = steps(world, server.world(), prune=prune)
            taken += todo
        _take(server, todo)
    given = server.set_secrets(json_of(secrets)) if secrets is not None and not dry_run else []
    return taken, given


def _take(server: "Server", todo: list[Step]) -> None:
    wanting = [step for step in todo if step.do != "extra"]
    for step in track(wanting, "Keycloak", console=console, transient=True, disable=not wanting):
        server.take(step)


def _shown(step: Step) -> dict[str, Any]:
    differing = [{"path": one.path, "found": one.found, "wanted": one.wanted} for one in step.differences]
    return {"do": step.do, "kind": step.kind, "name": step.name, "differences": differing}


def _text(taken: list[Step], given: list[str]) -> str:
    lines = []
    for step in taken:
        lines.append(f"{step.do:8} {step.kind:8} {step.name}")
        lines += [f"           {one.path}: {one.found!r} -> {one.wanted!r}" for one in step.differences]
    lines += [f"secret   {name}" for name in given]
    return "\n".join(lines) or "nothing differs 无差异"
