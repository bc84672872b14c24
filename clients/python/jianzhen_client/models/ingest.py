"""Bodies and answers of ingest. Made by `make docs`: do not edit."""

from typing import Any, Literal, NotRequired, TypedDict


class PostUpload(TypedDict):
    """A file to come. The mapping is that of `jianzhen replay`; the words beside it are for simple
    files.
    """

    name: str
    size: int
    sha256: str
    format: Literal["csv", "xlsx"]
    charset: NotRequired[Literal["utf-8", "gb18030", "utf-16"] | None]
    source: NotRequired[str | None]
    station: NotRequired[str | None]
    historical: NotRequired[bool | None]
    mapping: NotRequired[dict[str, Any]]


class PutOrganisation(TypedDict):
    """A discharge unit, agency, operator, supplier, hazardous-waste unit or authority 单位登记."""

    valid_from: NotRequired[str | None]
    """Holds from 生效日期"""
    valid_to: NotRequired[str | None]
    """Holds to, included 失效日期（含）"""
    name_zh: str
    name_en: str
    region: str
    kind: NotRequired[
        Literal["unit", "agency", "operator", "supplier", "vehicle_insp", "hazardous_waste", "gov"]
    ]
    legal_representative: NotRequired[str | None]
    """Legal representative 法定代表人"""
    permit_no: NotRequired[str | None]
    """Discharge permit, HJ 608-2017 排污许可证编号"""
    permit_from: NotRequired[str | None]
    """Permit valid from 许可证起始日期"""
    permit_to: NotRequired[str | None]
    """Permit valid to 许可证截止日期"""
    industry: NotRequired[str | None]
    """Industry, GB/T 4754-2017 行业代码"""
    source_type: NotRequired[Literal["stationary", "mobile", "area"] | None]
    """Source 污染源类型"""
    subject_types: NotRequired[
        list[Literal["permit_holder", "soil_key_unit", "river_outlet", "radioactive_mine"]]
    ]
    """Self-monitoring subject 自行监测主体类型"""


class PutSite(TypedDict):
    """A station or outlet 点位登记. Without `dept` it belongs to the department that registers it."""

    valid_from: NotRequired[str | None]
    """Holds from 生效日期"""
    valid_to: NotRequired[str | None]
    """Holds to, included 失效日期（含）"""
    kind: Literal["station", "outlet"]
    element: str
    region: str
    name_zh: str
    name_en: str
    longitude: NotRequired[float | None]
    latitude: NotRequired[float | None]
    dept: NotRequired[str | None]
    uscc: NotRequired[str | None]
    is_assessed: NotRequired[bool]
    """Assessment point 考核点"""
    level: NotRequired[Literal["national", "provincial", "city", "county", "township", "enterprise"] | None]
    """Level of the station 点位级别"""
    authority: NotRequired[
        Literal["national", "provincial", "city", "county", "township", "enterprise"] | None
    ]
    """Authority responsible 事权层级"""
    assessed_by: NotRequired[
        Literal["national", "provincial", "city", "county", "township", "enterprise"] | None
    ]
    """Who assesses by it 考核方（谁考核谁监测）"""
    duty: NotRequired[str | None]
    """Matter of the responsibility catalogue 事权清单事项"""
    area: NotRequired[str | None]
    """Park or area it lies in 所在园区或区域"""
    categories: NotRequired[
        list[Literal["township_air", "devzone_air", "straw_infrared", "border_section", "key_unit_online"]]
    ]
    """Coverage categories 全覆盖类别"""
    outlet_code: NotRequired[str | None]
    """Outlet code DA001/DW001, HJ 608-2017 排放口编码"""
    hole_conforms: NotRequired[bool | None]
    """Sampling hole conforms 采样孔规范"""
    platform_conforms: NotRequired[bool | None]
    """Sampling platform conforms 采样平台规范"""
    is_main_point: NotRequired[bool]
    """Main self-monitoring point 自行监测主要点位"""


class Instrument(TypedDict):
    """An analyser behind a logger: HJ 212 3019 reports its serial number."""

    serial: str
    factor: NotRequired[str | None]
    model: NotRequired[str | None]
    range_low: NotRequired[float | None]
    range_high: NotRequired[float | None]


class PutDevice(TypedDict):
    """A data logger 数采仪. `addresses`, `systems` (ST) empty mean any; `certificate` is the subject
    to show.

    `password` and `key` (SM4, 32 hexadecimal digits) null leave the ones known; neither is ever
    shown.
    """

    valid_from: NotRequired[str | None]
    """Holds from 生效日期"""
    valid_to: NotRequired[str | None]
    """Holds to, included 失效日期（含）"""
    site: str
    source: NotRequired[str]
    password: NotRequired[str | None]
    label: NotRequired[Literal["start", "end"]]
    addresses: NotRequired[list[str]]
    accepts_modbus_crc: NotRequired[bool]
    accepts_long_segments: NotRequired[bool]
    vendor: NotRequired[str | None]
    model: NotRequired[str | None]
    accepts_absent_crc: NotRequired[bool]
    answers_refusals: NotRequired[bool]
    systems: NotRequired[list[str]]
    certificate: NotRequired[str | None]
    key: NotRequired[str | None]
    certificate_no: NotRequired[str | None]
    """Model certificate 适用性检测或型式批准证书号"""
    certificate_to: NotRequired[str | None]
    """Certificate valid to 证书有效期至"""
    instruments: NotRequired[list[Instrument]]
    """Analysers 分析仪"""


class PutSeries(TypedDict):
    """One series 数据序列. Unit and decimals default to the factor's; `sent_unit` is what is really
    sent.
    """

    valid_from: NotRequired[str | None]
    """Holds from 生效日期"""
    valid_to: NotRequired[str | None]
    """Holds to, included 失效日期（含）"""
    site: str
    factor: str
    statistic: NotRequired[Literal["rtd", "avg", "min", "max", "cou"]]
    basis: NotRequired[Literal["raw", "converted"]]
    period: NotRequired[Literal["rtd", "min", "hour", "day"]]
    source: str
    period_seconds: NotRequired[int | None]
    unit: NotRequired[str | None]
    sent_unit: NotRequired[str | None]
    decimals: NotRequired[int | None]
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    detection_limit: NotRequired[float | None]
    resolution: NotRequired[float | None]
    permit_limit: NotRequired[float | None]
    permit_from: NotRequired[str | None]
    """Limit in force from 限值起始日期"""
    permit_to: NotRequired[str | None]
    """Limit in force to 限值截止日期"""
    method: NotRequired[str | None]
    """Method, code of the methods registry 监测方法"""
    sampling_seconds: NotRequired[int | None]
    """Sampling period 采样周期(秒)"""


class PutSeriesList(TypedDict):
    """PutSeriesList"""

    series: list[PutSeries]


class AskCommand(TypedDict):
    """A host command by name, e.g. `{"command": "recall-hours", "parameters": {…}, "reason": "…"}`."""

    command: str
    parameters: NotRequired[dict[str, str | int]]
    reason: str
    """Why 事由"""


class GiveReason(TypedDict):
    """GiveReason"""

    reason: str
    """Why 事由"""


class PutManners(TypedDict):
    """How a device is dealt with. Null leaves it to the dated terms, or untouched at first contact."""

    accepts_commands: NotRequired[bool]
    greets: NotRequired[bool]
    pulls_back: NotRequired[bool]
    answer_seconds: NotRequired[int | None]
    resends: NotRequired[int | None]
    realtime_interval: NotRequired[int | None]
    minute_interval: NotRequired[int | None]
    streams_realtime: NotRequired[bool | None]
    streams_status: NotRequired[bool | None]
    frame_interval: NotRequired[int | None]


class PutPlace(TypedDict):
    """What one of our sites is on the other side. `password` (HJ 212 PW) goes in and never comes out."""

    code: NotRequired[str | None]
    mn: NotRequired[str | None]
    system: NotRequired[int | None]
    password: NotRequired[str | None]


class PutUplink(TypedDict):
    """A link. Empty selections mean all of `region`; secrets left out stay, unless it moves."""

    name_zh: str
    name_en: str
    kind: Literal["http", "hj212"]
    address: str
    peer: str
    region: str
    is_on: NotRequired[bool]
    regions: NotRequired[list[str]]
    sites: NotRequired[list[str]]
    factors: NotRequired[list[str]]
    periods: NotRequired[list[Literal["rtd", "min", "hour", "day"]]]
    sources: NotRequired[list[str]]
    places: NotRequired[dict[str, PutPlace]]
    source_as: NotRequired[str | None]
    dialect: NotRequired[Literal["2005", "2017", "2025"]]
    units: NotRequired[Literal["registered", "hj212"]]
    answer_seconds: NotRequired[int | None]
    resends: NotRequired[int | None]
    parcels_per_second: NotRequired[float | None]
    token_url: NotRequired[str | None]
    client_id: NotRequired[str | None]
    bearer: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    begins: NotRequired[Literal["now", "outbox"]]
