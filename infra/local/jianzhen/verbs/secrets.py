"""`jianzhen secrets`: passwords and keys are changed while the platform serves."""

from typing import Annotated, Any

import typer

from jianzhen import lifecycle
from jianzhen.plan import Plan
from jianzhen.screen import AsJson, put, say
from jianzhen.state import Refused, State

app = typer.Typer(
    help="Passwords and keys of services and servers. 服务与服务器的口令和密钥。", no_args_is_help=True
)


@app.callback()
def secrets() -> None:
    """Passwords and keys of services and servers. 服务与服务器的口令和密钥。"""


@app.command()
def rotate(
    service: Annotated[str, typer.Argument(help="a service, operator (of the bus) or all · 服务名")] = "all",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be done, change nothing · 只列出")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change the passwords and keys of a service, or of all, without a pause. 不停机更换口令与密钥。

    PostgreSQL (migrator, writer, reader), the bus, and the key by which a service asks for its tokens. Old
    and new are good together until every service has moved; then the old ones are refused everywhere.
    Secrets go from file to file: never to the screen, a log or a command line. A rotation that was cut
    short is finished by the next call, whatever that asks for.

    \b
    Examples:
      jianzhen secrets rotate qc --dry-run
      jianzhen secrets rotate all
    """
    from jianzhen.rotation import Rotation, owners, under_way  # nats-py and asyncpg take a second

    state, asked = State.here(), owners(service)
    with state.only_one("secrets rotate"):
        before = under_way(state)
        rounds = [one for one in (before, [name for name in asked if name not in before]) if one]
        if not dry_run and not {lifecycle.SUPERVISOR, "nats"} <= lifecycle.alive(state):
            raise Refused("nothing runs here: `jianzhen up` first, so that services can move", 3)
        plan, told, lines = Plan(state), list[dict[str, Any]](), list[str]()
        for of in rounds:
            rotation = Rotation(plan, of)
            whose = ", ".join(of)
            say(f"[bold]{'going on with' if of == before else 'rotating'}[/] {whose}")
            stages = [name for name, _ in rotation.stages()]
            secret_names = [secret.name for secret in rotation.secrets]
            told.append({"owners": of, "goes_on": of == before, "secrets": secret_names, "stages": stages})
            if not dry_run:
                rotation.run(lambda stage: say(f"  {stage}"))
            lines += [*secret_names, *(f"  {stage}" for stage in stages if dry_run)]
    put({"dry_run": dry_run, "rounds": told}, as_json, "\n".join(lines))


@app.command()
def keys() -> None:
    """Print the public keys of the services as JSON, for `jianzhen identity apply --keys`. 列出各服务公钥。

    Two of a service stand side by side while its key is changed, so that Keycloak takes both.

    \b
    Example:
      jianzhen secrets keys >keys.json
    """
    from jianzhen.handing import service_keys

    put(service_keys(State.here()), as_json=True)
