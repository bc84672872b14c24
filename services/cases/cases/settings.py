"""The settings of `cases`: where it runs and whom it trusts.

Leaves time limits, ranges and documents to `rules`, where they are dated data.
"""

from kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CASES_", env_nested_delimiter="__", frozen=True)
