"""The settings of `qc`: where it runs and whom it trusts.

Leaves every threshold to the rule pack, where it is dated data.
"""

from kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="QC_", env_nested_delimiter="__", frozen=True)
