"""Settings of `publish`, from `PUBLISH_…`.

`halts_without_quorum`: nothing new is released while too few witnesses cosign the evidence log.
"""

from kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PUBLISH_", frozen=True)

    halts_without_quorum: bool = True
