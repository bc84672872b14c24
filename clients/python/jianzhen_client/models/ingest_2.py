"""Bodies and answers of ingest 2. Made by `make docs`: do not edit."""

from typing import Any, Literal, NotRequired, TypedDict


class Resend(TypedDict):
    """Which parked parcels to send again; without `ids` all of them, at most 10,000."""

    ids: NotRequired[list[int] | None]


class AskedDay(TypedDict):
    """AskedDay"""

    day: str


class BringRecordsUnitsBody(TypedDict):
    """BringRecordsUnitsBody"""

    rows: list[dict[str, Any]]


class BringRecordsMonitoringBody(TypedDict):
    """BringRecordsMonitoringBody"""

    rows: list[dict[str, Any]]


class BringRecordsPointsBody(TypedDict):
    """BringRecordsPointsBody"""

    rows: list[dict[str, Any]]


class BringRecordsGuaranteeBody(TypedDict):
    """BringRecordsGuaranteeBody"""

    rows: list[dict[str, Any]]


class BringRecordsWorksBody(TypedDict):
    """BringRecordsWorksBody"""

    rows: list[dict[str, Any]]


class BringRecordsStandardsBody(TypedDict):
    """BringRecordsStandardsBody"""

    rows: list[dict[str, Any]]


class BringRecordsLaboratoryBody(TypedDict):
    """BringRecordsLaboratoryBody"""

    rows: list[dict[str, Any]]


class BringRecordsTasksBody(TypedDict):
    """BringRecordsTasksBody"""

    rows: list[dict[str, Any]]


class BringRecordsEmergencyBody(TypedDict):
    """BringRecordsEmergencyBody"""

    rows: list[dict[str, Any]]


class BringRecordsSharingBody(TypedDict):
    """BringRecordsSharingBody"""

    rows: list[dict[str, Any]]


class BringRecordsDispatchBody(TypedDict):
    """BringRecordsDispatchBody"""

    rows: list[dict[str, Any]]


class BringTableBody(TypedDict):
    """BringTableBody"""

    rows: list[dict[str, Any]]


class SendObservationsBodyRowsItem(TypedDict):
    """SendObservationsBodyRowsItem"""

    site: str
    factor: str
    statistic: NotRequired[Literal["rtd", "avg", "min", "max", "cou"]]
    basis: NotRequired[Literal["raw", "converted"]]
    period: NotRequired[Literal["rtd", "min", "hour", "day"]]
    time: str
    value: float | str | None
    unit: NotRequired[str]
    flag: NotRequired[str]


class SendObservationsBody(TypedDict):
    """SendObservationsBody"""

    source: str
    label: NotRequired[Literal["start", "end"]]
    historical: NotRequired[bool]
    rows: list[SendObservationsBodyRowsItem]


class SendObservationsBody1(TypedDict):
    """SendObservationsBody1"""

    source: str
    label: NotRequired[Literal["start", "end"]]
    historical: NotRequired[bool]
    columns: list[str]
    data: list[list[Any]]
    dataArray: NotRequired[Any]
    """Another spelling of data"""


class Report(TypedDict):
    """The state of a camera at an instant."""

    is_online: bool
    at: NotRequired[str | None]
