"""What the register is asked to hold, as sent."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, IPvAnyAddress, model_validator

Text = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=64)]


def _named(short: str, long: str) -> AliasChoices:
    return AliasChoices(long, short)


class Asked(BaseModel):
    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, populate_by_name=True, allow_inf_nan=False
    )


Level = Literal["national", "provincial", "city", "county", "township", "enterprise"]


class Dated(Asked):
    """Holds from a day to a day, both included. Nothing is deleted: it ends."""

    valid_from: date | None = Field(None, description="Holds from 生效日期")
    valid_to: date | None = Field(None, description="Holds to, included 失效日期（含）")

    @model_validator(mode="after")
    def _in_order(self) -> "Dated":
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from 失效日期早于生效日期")
        return self


class PutOrganisation(Dated):
    """A discharge unit, agency, operator, supplier, hazardous-waste unit or authority 单位登记."""

    name_zh: Text = Field(validation_alias=_named("zh", "name_zh"))
    name_en: Text = Field(validation_alias=_named("en", "name_en"))
    region: Code
    kind: Literal["unit", "agency", "operator", "supplier", "vehicle_insp", "hazardous_waste", "gov"] = "unit"
    legal_representative: Text | None = Field(None, description="Legal representative 法定代表人")
    permit_no: Code | None = Field(None, description="Discharge permit, HJ 608-2017 排污许可证编号")
    permit_from: date | None = Field(None, description="Permit valid from 许可证起始日期")
    permit_to: date | None = Field(None, description="Permit valid to 许可证截止日期")
    industry: Annotated[str, Field(pattern=r"^[A-T]?\d{2,4}$")] | None = Field(
        None, description="Industry, GB/T 4754-2017 行业代码"
    )
    source_type: Literal["stationary", "mobile", "area"] | None = Field(None, description="Source 污染源类型")
    subject_types: list[Literal["permit_holder", "soil_key_unit", "river_outlet", "radioactive_mine"]] = (
        Field(default=[], max_length=4, description="Self-monitoring subject 自行监测主体类型")
    )


class PutSite(Dated):
    """A station or outlet 点位登记. Without `dept` it belongs to the department that registers it."""

    kind: Literal["station", "outlet"]
    element: Code
    region: Code
    name_zh: Text = Field(validation_alias=_named("zh", "name_zh"))
    name_en: Text = Field(validation_alias=_named("en", "name_en"))
    longitude: float | None = Field(None, ge=-180, le=180, validation_alias=_named("lon", "longitude"))
    latitude: float | None = Field(None, ge=-90, le=90, validation_alias=_named("lat", "latitude"))
    dept: Code | None = None
    uscc: Annotated[str, Field(min_length=18, max_length=18)] | None = None
    is_assessed: bool = Field(False, description="Assessment point 考核点")
    level: Level | None = Field(None, description="Level of the station 点位级别")
    authority: Level | None = Field(None, description="Authority responsible 事权层级")
    assessed_by: Level | None = Field(None, description="Who assesses by it 考核方（谁考核谁监测）")
    duty: Code | None = Field(None, description="Matter of the responsibility catalogue 事权清单事项")
    area: Code | None = Field(None, description="Park or area it lies in 所在园区或区域")
    categories: list[
        Literal["township_air", "devzone_air", "straw_infrared", "border_section", "key_unit_online"]
    ] = Field(default=[], max_length=5, description="Coverage categories 全覆盖类别")
    outlet_code: Code | None = Field(None, description="Outlet code DA001/DW001, HJ 608-2017 排放口编码")
    hole_conforms: bool | None = Field(None, description="Sampling hole conforms 采样孔规范")
    platform_conforms: bool | None = Field(None, description="Sampling platform conforms 采样平台规范")
    is_main_point: bool = Field(False, description="Main self-monitoring point 自行监测主要点位")


class Instrument(Asked):
    """An analyser behind a logger: HJ 212 3019 reports its serial number."""

    serial: Code
    factor: Code | None = None
    model: Text | None = None
    range_low: float | None = None
    range_high: float | None = None


class PutDevice(Dated):
    """A data logger 数采仪. `addresses`, `systems` (ST) empty mean any; `certificate` is the subject to show.

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
    certificate_no: Code | None = Field(None, description="Model certificate 适用性检测或型式批准证书号")
    certificate_to: date | None = Field(None, description="Certificate valid to 证书有效期至")
    instruments: list[Instrument] = Field(default=[], max_length=50, description="Analysers 分析仪")


class PutSeries(Dated):
    """One series 数据序列. Unit and decimals default to the factor's; `sent_unit` is what is really sent."""

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
    permit_from: date | None = Field(None, description="Limit in force from 限值起始日期")
    permit_to: date | None = Field(None, description="Limit in force to 限值截止日期")
    method: Code | None = Field(None, description="Method, code of the methods registry 监测方法")
    sampling_seconds: int | None = Field(None, ge=1, le=86400, description="Sampling period 采样周期(秒)")


class PutSeriesList(Asked):
    series: Annotated[list[PutSeries], Field(min_length=1, max_length=5000)]
