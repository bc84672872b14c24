"""What the register is asked to hold, as sent."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, IPvAnyAddress

Text = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=64)]


def _named(short: str, long: str) -> AliasChoices:
    return AliasChoices(long, short)


class Asked(BaseModel):
    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, populate_by_name=True, allow_inf_nan=False
    )


class PutOrganisation(Asked):
    """A discharge unit, agency, operator or authority."""

    name_zh: Text = Field(validation_alias=_named("zh", "name_zh"))
    name_en: Text = Field(validation_alias=_named("en", "name_en"))
    region: Code
    kind: Literal["unit", "agency", "operator", "supplier", "gov"] = "unit"


class PutSite(Asked):
    """A station or outlet. Without `dept` it belongs to the department that registers it."""

    kind: Literal["station", "outlet"]
    element: Code
    region: Code
    name_zh: Text = Field(validation_alias=_named("zh", "name_zh"))
    name_en: Text = Field(validation_alias=_named("en", "name_en"))
    longitude: float | None = Field(None, ge=-180, le=180, validation_alias=_named("lon", "longitude"))
    latitude: float | None = Field(None, ge=-90, le=90, validation_alias=_named("lat", "latitude"))
    dept: Code | None = None
    uscc: Annotated[str, Field(min_length=18, max_length=18)] | None = None
    is_assessed: bool = False


class PutDevice(Asked):
    """A data logger. `addresses` and `systems` (ST) empty mean any; `certificate` is the subject to show.

    `password` and `key` (SM4, 32 hexadecimal digits) null leave the ones known; neither is ever shown.
    """

    site: Code
    source: Code = "hj212"
    password: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    label: Literal["start", "end"] = "start"
    addresses: list[IPvAnyAddress] = Field(default=[], max_length=20)
    accepts_modbus_crc: bool = False
    accepts_long_segments: bool = True
    vendor: Text | None = None
    model: Text | None = None
    accepts_absent_crc: bool = False
    answers_refusals: bool = False
    systems: list[Annotated[str, Field(pattern=r"^[0-9A-Z]{2}$")]] = Field(default=[], max_length=20)
    certificate: Text | None = None
    key: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")] | None = None


class PutSeries(Asked):
    """One series. Unit and decimals default to the factor's; `sent_unit` is what the source really sends."""

    site: Code
    factor: Code
    statistic: Literal["rtd", "avg", "min", "max", "cou"] = "avg"
    basis: Literal["raw", "converted"] = "raw"
    period: Literal["rtd", "min", "hour", "day"] = "hour"
    source: Code
    period_seconds: int | None = Field(None, ge=1, le=86400)
    unit: Code | None = None
    sent_unit: Code | None = None
    decimals: int | None = Field(None, ge=0, le=9)
    low: float | None = None
    high: float | None = None
    detection_limit: float | None = None
    resolution: float | None = Field(None, gt=0)
    permit_limit: float | None = None


class PutSeriesList(Asked):
    series: Annotated[list[PutSeries], Field(min_length=1, max_length=5000)]
