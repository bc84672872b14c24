"""Who may do what on the bus: one user per service, made from the catalogue.

Promises: a service publishes its own subjects only, reads only the streams of producers it listens to,
through its own durable consumers and its own inbox; only the operator declares streams. Passwords come from
the environment of nats-server (`<SERVICE>_NATS_PASSWORD`, beginning with a letter), never from a file of
the repository.
"""

from contracts.catalogue import CATALOGUE, PRODUCERS, consumed_by

OPERATOR = "operator"
SERVICES: tuple[str, ...] = tuple(
    dict.fromkeys([*PRODUCERS, *(consumer for entry in CATALOGUE for consumer in entry.consumers)])
)


def inbox(user: str) -> str:
    """The prefix of a user's private replies; clients connect with `inbox_prefix=` this."""
    return f"_INBOX_{user}"


def password_variable(user: str) -> str:
    """The environment variable of nats-server that holds a user's password."""
    return f"{user.upper()}_NATS_PASSWORD"


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


def _user(service: str) -> str:
    subjects = "\n".join(f'            "{subject}"' for subject in may_publish(service))
    return f"""      {{
        user: {service}
        password: ${password_variable(service)}
        permissions {{
          publish: [
{subjects}
          ]
          subscribe: ["{inbox(service)}.>"]
        }}
      }}"""


def server_conf() -> str:
    """nats-server's configuration; ports and the store folder are given on its command line.

    sync_interval: the outbox in PostgreSQL is the truth and refills what a power cut takes, so the bus need
    not wait for the disk at every message.
    """
    users = "\n".join(_user(service) for service in SERVICES)
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
      {{ user: {OPERATOR}, password: ${password_variable(OPERATOR)} }}
{users}
    ]
  }}
}}
"""
