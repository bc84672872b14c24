"""Settings of `publish`, from `PUBLISH_…`."""

from kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PUBLISH_", frozen=True)
