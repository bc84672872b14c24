"""Settings of the authorizer, from `GATEWAY_…`. Rates are requests a second of one replica's share."""

from pathlib import Path
from typing import Self

from kit.settings import ServiceSettings
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """`services` maps a service to its base URL; `replicas` divides the rates among equal authorizers.

    `spool` is a folder that outlives the process, for events of the audit that wait to be written.
    """

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True)

    services: dict[str, str] = Field(default_factory=dict)
    replicas: int = Field(default=1, ge=1)
    client_rate: float = Field(default=1000, gt=0)
    client_burst: int = Field(default=2000, ge=1)
    anonymous_rate: float = Field(default=300, gt=0)
    anonymous_burst: int = Field(default=600, ge=1)
    spool: Path | None = None

    @model_validator(mode="after")
    def _spools(self) -> Self:
        if self.spool is None and self.environment == "production":
            raise ValueError("GATEWAY_SPOOL: a folder is needed, or a kill loses events of the audit")
        return self
