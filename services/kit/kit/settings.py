"""Typed, frozen settings, read once in `main` and nowhere else.

Promises: a wrong configuration stops the start with all errors at once and exit code 2. Secrets come from
the environment or from files in /run/secrets (JIANZHEN_SECRETS) and are never printed; those that are rotated
(`Rotating`) are read from their files again while the service runs. Limits of law are dated data instead.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

SECRETS = Path(os.environ.get("JIANZHEN_SECRETS") or "/run/secrets")
# So old may a secret be that was read from its file: a rotation waits longer before it goes on.
FRESH_SECONDS = 1.0


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
    nats_seed: SecretStr
    issuer: str
    jwks_url: str
    token_url: str
    audience: str = "jianzhen"
    client_id: str
    # A service proves itself by its key; a secret is for issuers that know no private_key_jwt.
    client_key: SecretStr | None = None
    client_secret: SecretStr = SecretStr("")
    peers: dict[str, str] = {}
    # The bus keeps 7 days; a consumer that was away for longer reads here what it missed.
    outbox_days: float = Field(default=90, ge=8, le=3650)
    body_seconds: float = Field(default=40, gt=0)
    otlp_endpoint: str | None = None
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


S = TypeVar("S", bound=BaseSettings)


class Rotating:
    """A secret as its file has it now, and after it what `NAME_next` announces: one of them is good.

    Worked example: while the writer's password is changed, `Rotating(settings, "writer_url")()` is
    `("postgresql://qc_writer:old@…", "postgresql://qc_writer:new@…")`. One from the environment is for good.
    """

    def __init__(self, settings: Any, name: str) -> None:
        prefix = str(getattr(settings, "model_config", {}).get("env_prefix", ""))
        told: SecretStr | None = getattr(settings, name)
        self._file = SECRETS / f"{prefix}{name}".lower()
        self._is_fixed = f"{prefix}{name}".upper() in os.environ or not self._file.is_file()
        self._known: tuple[str, ...] = (told.get_secret_value() if told else "",)
        self._until = 0.0

    def __call__(self) -> Sequence[str]:
        if not self._is_fixed and time.monotonic() >= self._until:
            found = [_content(self._file), _content(self._file.with_name(f"{self._file.name}_next"))]
            self._known = tuple(filter(None, found)) or self._known
            self._until = time.monotonic() + FRESH_SECONDS
        return self._known


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:  # between two versions of a mounted folder
        return ""


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
