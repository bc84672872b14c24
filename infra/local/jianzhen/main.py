"""The `jianzhen` command: the whole platform on this machine, and what people and tests do with it.

Promises: exit codes 0 done, 1 findings, 2 usage or input, 3 platform unreachable; `--json` on every verb.
Leaves each verb to its own module in `verbs`.
"""

import sys

import typer
from rich.markup import escape

from jianzhen.screen import say
from jianzhen.state import Refused
from jianzhen.verbs import (
    demo,
    down,
    frames,
    identity,
    log,
    logs,
    parked,
    qc,
    replay,
    sandbox,
    secrets,
    status,
    token,
    up,
)

HELP = """鉴真 Jianzhen: keeps environmental monitoring data true, accurate and complete.

Begin with `jianzhen up` (or `make up`), look at http://127.0.0.1:8080/, end with `jianzhen down`.

Every verb takes --json (one document on stdout; progress goes to stderr).
Exit codes: 0 done · 1 findings · 2 usage or input · 3 platform unreachable.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (up, down, status, logs, demo, token, replay):
    app.command()(verb.__dict__[verb.__name__.rpartition(".")[2]])
app.add_typer(frames.app, name="frames")
app.add_typer(identity.app, name="identity")
app.add_typer(log.app, name="log")
app.add_typer(parked.app, name="parked")
app.add_typer(qc.app, name="qc")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(secrets.app, name="secrets")


def main() -> None:
    try:
        app()
    except Refused as refused:
        say(f"[bold red]jianzhen:[/] {escape(str(refused))}")
        sys.exit(refused.code)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)


if __name__ == "__main__":
    main()
