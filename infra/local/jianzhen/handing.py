"""What a service of a local run reads its secrets from: one folder each, as Kubernetes mounts them.

Promises: nothing secret is in the environment or on a command line; a service finds what is in use under the
setting's name and an announced password under `NAME_next`, so that it is never without a good one. Leaves to
`slots` which secret is which, and to `kit.settings.Rotating` the reading.
"""

import base64
import hashlib
from pathlib import Path

from joserfc.jwk import ECKey
from kit import nkeys
from kit.roles import LOGINS

from jianzhen import accounts, slots
from jianzhen.identity import proof
from jianzhen.plan import Plan
from jianzhen.slots import write_private
from jianzhen.state import DATABASES, State

RUNTIME = [role for role in LOGINS if role != "migrator"]


def new_key() -> str:
    """A private key on P-256 for a service's client, as PEM."""
    return ECKey.generate_key("P-256").as_pem(private=True).decode()


def service_keys(state: State) -> dict[str, str]:
    """The public keys by which the services' clients may prove themselves now; several stand side by side."""
    found = {}
    for service in DATABASES:
        state.secret(f"client_{service}", new_key)
        keys = [ECKey.import_key(pem) for pem in slots.good(state, f"client_{service}")]
        found[f"svc-{service}"] = " ".join(proof.one_line(key) for key in keys)
    return found


def nats_seed(state: State, user: str) -> str:
    """The seed by which a user of the bus proves itself; made when there is none."""
    return state.secret(f"nkey_{user}", nkeys.new_seed)


def nats_keys(state: State) -> dict[str, list[str]]:
    """Every user of the bus with the public nkeys that are good now."""
    users = (accounts.OPERATOR, *accounts.SERVICES)
    for user in users:
        nats_seed(state, user)
    return {user: [nkeys.public(seed) for seed in slots.good(state, f"nkey_{user}")] for user in users}


def write_nats_conf(plan: Plan) -> None:
    """nats-server's configuration with every nkey that is good now; SIGHUP makes it count."""
    plan.nats_conf.parent.mkdir(exist_ok=True)
    write_private(plan.nats_conf, accounts.server_conf(nats_keys(plan.state)))


def files_of(plan: Plan, service: str) -> dict[str, str]:
    """Name and content of every file that a service reads."""
    state = plan.state
    found = {
        f"{service}_nats_seed": nats_seed(state, service),
        f"{service}_client_key": state.secret(f"client_{service}", new_key),
    }
    for role in RUNTIME:
        found[f"{service}_{role}_url"] = plan.database_url(service, role)
        if password := slots.coming(state, f"{service}_{role}"):
            found[f"{service}_{role}_url_next"] = plan.postgres.url(f"{service}_{role}", password, service)
    if service == "evidence":
        seed = hashlib.sha256(state.secret("evidence_key").encode()).digest()
        found["evidence_key"] = base64.b64encode(seed).decode()
    return found


def hand_out(plan: Plan, service: str) -> Path:
    """Make a service's folder what it must be; its own readers never meet half a file."""
    folder = plan.secrets_of(service)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = files_of(plan, service)
    for name, content in wanted.items():
        write_private(folder / name, content)
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    return folder
