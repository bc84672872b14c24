"""The settings of `credit`: where it runs and whom it trusts.

Leaves grounds and periods to `rules`, where they are dated data.
"""

from kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CREDIT_", env_nested_delimiter="__", frozen=True)
