"""What runs on one machine: each program with its arguments, environment and the sign that it is ready.

Promises: the same programs, settings and roles as in production; everything listens on loopback. Leaves to
`supervisor` the running, to `databases` the roles, and to each service what its settings mean.
"""

import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from contracts.catalogue import consumed_by
from kit.servers import NatsServer, PostgresServer, Server, binary

from jianzhen.external import postgres_of
from jianzhen.state import ROOT, SERVICES, State

# Every process of a run carries it, so that `down` can find even one whose pid file was lost.
MARK = "JIANZHEN_RUN"
OIDC = "/protocol/openid-connect"
AnyServer = TypeVar("AnyServer", bound=Server)


@dataclass(frozen=True)
class Program:
    """One process; `ready` is an address that answers below 400 when it is of use."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    ready: str


@dataclass(frozen=True)
class Plan:
    """Everything of a run, worked out from its ports and secrets."""

    state: State

    @cached_property
    def ports(self) -> dict[str, int]:
        return self.state.ports()

    def inside(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def edge(self) -> str:
        return self.inside("edge")

    @property
    def realm(self) -> str:
        """The fixed public address of the realm, which every token carries as `iss`."""
        return f"{self.edge}/realms/jianzhen"

    @property
    def identity(self) -> Path:
        """Passwords of the demo principals and secrets of the clients; the issuer's file."""
        return self.state.home / "secrets" / "identity.json"

    @cached_property
    def mark(self) -> dict[str, str]:
        return {**os.environ, MARK: str(self.state.home), "JIANZHEN_HOME": str(self.state.home)}

    @cached_property
    def postgres(self) -> PostgresServer:
        return self._settled(postgres_of(self.state, self.ports["postgres"]))

    @cached_property
    def nats(self) -> NatsServer:
        home = self.state.home / "nats"
        home.mkdir(exist_ok=True)
        return self._settled(NatsServer(home, self.ports["nats"], config=self.nats_conf))

    @property
    def nats_conf(self) -> Path:
        """Holds public nkeys; `handing` writes it, nats-server reads it again on SIGHUP."""
        return self.state.home / "nats" / "server.conf"

    def secrets_of(self, service: str) -> Path:
        """The folder from which a service reads its secrets (`handing`)."""
        return self.state.home / "secrets" / "of" / service

    def _settled(self, server: AnyServer) -> AnyServer:
        server.log, server.pidfile = self.state.log(server.name), self.state.pidfile(server.name)
        return server

    def database_url(self, service: str, role: str) -> str:
        """`role` is migrator, writer or reader."""
        return self.postgres.url(f"{service}_{role}", self.state.secret(f"{service}_{role}"), service)

    def programs(self) -> list[Program]:
        """What the supervisor runs besides the two servers; the edge last, so that it finds them there."""
        services = [self._python(name, self._service_env(name), "/readyz") for name in (*SERVICES, "gateway")]
        return [self._issuer(), *services, self._portal(), self._edge()]

    def _python(self, name: str, env: dict[str, str], ready: str) -> Program:
        prefixed = {f"{name.upper()}_{key}": value for key, value in env.items()}
        own = {"PYTHONUNBUFFERED": "1", "JIANZHEN_SECRETS": str(self.secrets_of(name))}
        full = {**self.mark, **own, **prefixed}
        return Program(name, (sys.executable, "-m", f"{name}.main"), full, self.inside(name) + ready)

    def _issuer(self) -> Program:
        env = {
            "PORT": str(self.ports["issuer"]),
            "ISSUER": self.realm,
            "STATE": str(self.state.home / "issuer"),
            "REALM": str(self.state.home / "realm.json"),
            "SECRETS": str(self.identity),
        }
        return self._python("issuer", env, "/realms/jianzhen/.well-known/openid-configuration")

    def _service_env(self, name: str) -> dict[str, str]:
        heard = {entry.producer: self.inside(entry.producer) for entry in consumed_by(name)}
        # Whose tokens were called back is the gateway's to say.
        peers = heard if name == "gateway" else heard | {"gateway": self.inside("gateway")}
        env = {
            "ENVIRONMENT": "local",
            "HOST": "127.0.0.1",
            "PORT": str(self.ports[name]),
            "NATS_URL": self.nats.url,
            "NATS_USER": name,
            "ISSUER": self.realm,
            "JWKS_URL": f"{self.inside('issuer')}/realms/jianzhen{OIDC}/certs",
            "TOKEN_URL": f"{self.inside('issuer')}/realms/jianzhen{OIDC}/token",
            "CLIENT_ID": f"svc-{name}",
            "PEERS": json.dumps(peers),
            "LOG_LEVEL": os.environ.get("JIANZHEN_LOG_LEVEL", "INFO"),
        }
        if name == "ingest":
            env |= {"RECEIVER_HOST": "127.0.0.1", "RECEIVER_PORT": str(self.ports["hj212"])}
            env["OBJECTS"] = (self.state.home / "objects" / "ingest").as_uri()
            # Platforms of one machine may be linked with each other.
            env["UPLINK_ALLOWS"] = json.dumps(["localhost", "127.0.0.0/8", "::1/128"])
            env["PEERS"] = json.dumps(peers | {one: self.inside(one) for one in ("qc", "evidence")})
        if name == "qc":
            env["CLOSES_DAYS"] = os.environ.get("JIANZHEN_CLOSES_DAYS", "true")
        if name == "evidence":
            env |= {"STORE": str(self.state.home / "log"), "REGION": "131000"}
            env["PLATFORM"] = os.environ.get("JIANZHEN_PLATFORM", "jianzhen-local")
        if name == "gateway":
            env["SERVICES"] = json.dumps({service: self.inside(service) for service in SERVICES})
            env["SPOOL"] = str(self.state.home / "spool")
        return env

    def _portal(self) -> Program:
        env = {"HOST": "127.0.0.1", "PORT": str(self.ports["portal"]), "API_BASE": self.edge}
        return self._python("portal", env, "/livez")

    def _edge(self) -> Program:
        behind = ("issuer", *SERVICES, "gateway", "portal")
        env = {f"EDGE_{name.upper()}": f"127.0.0.1:{self.ports[name]}" for name in behind}
        env |= {
            "EDGE_HTTP_PORT": str(self.ports["edge"]),
            "EDGE_HTTPS_PORT": str(self.ports["edge_https"]),
            "EDGE_BIND": "127.0.0.1",
            "EDGE_DATA": str(self.state.home / "edge"),
            "XDG_CONFIG_HOME": str(self.state.home / "edge"),
            "XDG_DATA_HOME": str(self.state.home / "edge"),
        }
        argv = (binary("caddy"), "run", "--adapter", "caddyfile", "--config", str(ROOT / "gateway/Caddyfile"))
        return Program("edge", argv, {**self.mark, **env}, f"{self.realm}/.well-known/openid-configuration")
