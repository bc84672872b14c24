"""The settings of `ingest`: where it listens for frames, and how much one sender may take.

Leaves limits of acceptance to `rules`, where they are dated data.
"""

from pathlib import Path

from kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="INGEST_", env_nested_delimiter="__", frozen=True)

    # Two thirds write: a batch holds its connection while the loop turns to others and while the disk syncs.
    pool_size: int = Field(default=24, ge=2, le=100)
    receiver_host: str = "127.0.0.1"
    receiver_port: int = Field(default=21200, ge=0, le=65535)
    receiver_connections: int = Field(default=12_000, ge=1)
    receiver_connections_per_address: int = Field(default=2_000, ge=1)
    receiver_idle_seconds: float = Field(default=3600, gt=0)
    receiver_frame_seconds: float = Field(default=30, gt=0)
    # Where files sent in parts are kept: file:///folder or s3://bucket/prefix; without it they are refused.
    objects: str = ""
    upload_lease_seconds: float = Field(default=30, gt=0)
    # A second listener with TLS; a client authority asks loggers for certificates.
    receiver_tls_port: int | None = Field(default=None, ge=0, le=65535)
    receiver_tls_certificate: Path | None = None
    receiver_tls_key: Path | None = None
    receiver_tls_client_ca: Path | None = None
    receiver_tls_client_required: bool = False
    # Whether this instance feeds and sends links; where many receive, one or two of their own may forward.
    forwards: bool = True
    # Hosts and networks (CIDR) that links may reach though inside or without TLS; else public ones by https.
    uplink_allows: tuple[str, ...] = ()
    # The name by which other platforms know this one; without it nothing is forwarded.
    platform: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
