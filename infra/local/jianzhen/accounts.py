"""Who may do what on the bus: one user per service, made from the catalogue.

Promises: a service publishes its own subjects only, reads only the streams of producers it listens to,
through its own durable consumers and its own inbox; only the operator declares streams. A user is a public
nkey, which comes from the environment of nats-server (`<SERVICE>_NATS_NKEY`) or is put in; the configuration
holds no secret. While a key is changed the user has two, of equal rights.
"""

from collections.abc import Mapping, Sequence

from contracts.catalogue import CATALOGUE, PRODUCERS, consumed_by

OPERATOR = "operator"
SERVICES: tuple[str, ...] = tuple(
    dict.fromkeys([*PRODUCERS, *(consumer for entry in CATALOGUE for consumer in entry.consumers)])
)


def inbox(user: str) -> str:
    """The prefix of a user's private replies; clients connect with `inbox_prefix=` this."""
    return f"_INBOX_{user}"


def key_variable(user: str) -> str:
    """The environment variable of nats-server that holds a user's public nkey."""
    return f"{user.upper()}_NATS_NKEY"


def durables(service: str) -> list[tuple[str, str]]:
    """(stream, durable consumer) of every event a service listens to: `("INGEST", "qc-recorded")`."""
    return [(entry.producer.upper(), f"{service}-{entry.name}") for entry in consumed_by(service)]


def may_publish(service: str) -> list[str]:
    """The subjects a service may publish to, its own facts first."""
    allowed = [f"{service}.>"] if service in PRODUCERS else []
    listened = dict.fromkeys(stream for stream, _ in durables(service))
    allowed += [f"$JS.API.STREAM.INFO.{stream}" for stream in dict.fromkeys([service.upper(), *listened])]
    allowed += ["$JS.API.INFO"]
    for stream, durable in durables(service):
        allowed += [
            f"$JS.API.CONSUMER.CREATE.{stream}.{durable}",
            f"$JS.API.CONSUMER.CREATE.{stream}.{durable}.>",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{durable}",
            f"$JS.API.CONSUMER.DELETE.{stream}.{durable}",
            f"$JS.API.CONSUMER.INFO.{stream}.{durable}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
            f"$JS.ACK.{stream}.{durable}.>",
        ]
    return allowed


def _user(service: str, key: str) -> str:
    subjects = "\n".join(f'            "{subject}"' for subject in may_publish(service))
    return f"""      {{
        nkey: {key}
        permissions {{
          publish: [
{subjects}
          ]
          subscribe: ["{inbox(service)}.>"]
        }}
      }}"""


def server_conf(keys: Mapping[str, Sequence[str]] | None = None) -> str:
    """nats-server's configuration; ports and the store folder are given on its command line.

    `keys` are the public nkeys of each user; without them they come from the environment.

    sync_interval: the outbox in PostgreSQL is the truth and refills what a power cut takes, so the bus need
    not wait for the disk at every message.
    """
    known = keys or {user: [f"${key_variable(user)}"] for user in (OPERATOR, *SERVICES)}
    operators = "\n".join(f"      {{ nkey: {key} }}" for key in known[OPERATOR])
    users = "\n".join(_user(service, key) for service in SERVICES for key in known[service])
    return f"""# Made by `python -m jianzhen.streams --write infra/nats` from the catalogue: do not edit.
max_payload: 1MB
write_deadline: "10s"
lame_duck_duration: "30s"
jetstream {{
  sync_interval: "5s"
}}
accounts {{
  JIANZHEN {{
    jetstream: enabled
    users: [
{operators}
{users}
    ]
  }}
}}
"""
