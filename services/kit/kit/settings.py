"""Typed, frozen settings, read once in `main` and nowhere else.

Promises: a wrong configuration stops the start with all errors at once and exit code 2. Secrets come from
the environment or from files in /run/secrets and are never printed. Limits of law are dated data instead.
"""

import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

SECRETS = Path("/run/secrets")


class ServiceSettings(BaseSettings):
    """What every service needs. A service subclasses it with its own `env_prefix`, e.g. `QC_`."""

    environment: Literal["local", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    writer_url: SecretStr
    reader_url: SecretStr
    pool_size: int = Field(default=8, ge=2, le=100)
    nats_url: str
    nats_user: str
    nats_password: SecretStr
    issuer: str
    jwks_url: str
    token_url: str
    audience: str = "jianzhen"
    client_id: str
    client_secret: SecretStr
    peers: dict[str, str] = {}
    # The bus keeps 7 days; a consumer that was away for longer reads here what it missed.
    outbox_days: float = Field(default=90, ge=8, le=3650)
    body_seconds: float = Field(default=40, gt=0)
    otlp_endpoint: str | None = None
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


S = TypeVar("S", bound=BaseSettings)


def load(cls: type[S]) -> S:
    """Reads the settings, or prints every error and exits 2. With `--check` exits 0 after reading."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    try:
        settings = cls(_secrets_dir=SECRETS) if SECRETS.is_dir() else cls()
    except ValidationError as error:
        lines = [f"{prefix}{'__'.join(str(p) for p in e['loc']).upper()}: {e['msg']}" for e in error.errors()]
        sys.stderr.write("configuration refused:\n  " + "\n  ".join(lines) + "\n")
        raise SystemExit(2) from None
    if "--check" in sys.argv[1:]:
        sys.stdout.write("configuration accepted\n")
        raise SystemExit(0)
    return settings
