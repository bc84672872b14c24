"""Settings of the embedded issuer, from `ISSUER_…` in the environment.

Promises: it only ever speaks for a loopback address and never in production; otherwise the start is refused.
"""

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`issuer` is the public edge URL of the realm, the `iss` of every token, without a trailing slash."""

    model_config = SettingsConfigDict(env_prefix="ISSUER_", frozen=True)

    environment: Literal["local", "production"] = "local"
    port: int = Field(ge=1, le=65535)
    issuer: str
    state: Path
    realm: Path
    secrets: Path

    @field_validator("environment")
    @classmethod
    def _is_local(cls, value: str) -> str:
        if value == "production":
            raise ValueError("the embedded issuer is for local runs; in production use Keycloak")
        return value

    @field_validator("issuer")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        host = urlsplit(value).hostname or ""
        if host != "localhost" and not _is_loopback_address(host):
            raise ValueError("the embedded issuer speaks for loopback addresses only; elsewhere use Keycloak")
        return value.rstrip("/")


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
