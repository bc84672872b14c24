"""Who sends what from where: organisations, sites, devices, series, and every change to them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingest.tables.declared import Base, Instant


class Dated:
    """What holds from a day to a day, both included; nothing is deleted, it ends."""

    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Organisation(Dated, Base):
    """A discharge unit, agency or operator, by its unified social credit code."""

    __tablename__ = "organisations"

    uscc: Mapped[str] = mapped_column(Text, primary_key=True)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    legal_representative: Mapped[str | None] = mapped_column(Text)
    permit_no: Mapped[str | None] = mapped_column(Text)
    permit_from: Mapped[date | None] = mapped_column(Date)
    permit_to: Mapped[date | None] = mapped_column(Date)
    industry: Mapped[str | None] = mapped_column(Text)
    source_type: Mapped[str | None] = mapped_column(Text)
    subject_types: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class SiteRow(Dated, Base):
    """A station or outlet. `dept` owns its data, `uscc` answers; `region_path` is its region and above."""

    __tablename__ = "sites"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    element: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text, index=True)
    region_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text, ForeignKey("organisations.uscc"))
    is_assessed: Mapped[bool]
    level: Mapped[str | None] = mapped_column(Text)
    authority: Mapped[str | None] = mapped_column(Text)
    assessed_by: Mapped[str | None] = mapped_column(Text)
    duty: Mapped[str | None] = mapped_column(Text)
    area: Mapped[str | None] = mapped_column(Text, index=True)
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    outlet_code: Mapped[str | None] = mapped_column(Text)
    hole_conforms: Mapped[bool | None]
    platform_conforms: Mapped[bool | None]
    is_main_point: Mapped[bool] = mapped_column(default=False)


class DeviceRow(Dated, Base):
    """A data logger, by its MN, with the deviations from HJ 212 that are tolerated from it."""

    __tablename__ = "devices"

    mn: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str] = mapped_column(Text, ForeignKey("sites.code"))
    source: Mapped[str] = mapped_column(Text)
    password_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    label: Mapped[str] = mapped_column(Text)
    addresses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    accepts_modbus_crc: Mapped[bool]
    accepts_long_segments: Mapped[bool]
    vendor: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    accepts_absent_crc: Mapped[bool]
    answers_refusals: Mapped[bool]
    systems: Mapped[list[str]] = mapped_column(ARRAY(Text))
    certificate: Mapped[str | None] = mapped_column(Text)
    certificate_no: Mapped[str | None] = mapped_column(Text)
    certificate_to: Mapped[date | None] = mapped_column(Date)
    instruments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


class SeriesRow(Dated, Base):
    """One factor of a site, one statistic, one period, one source. `sent_unit` is what the source sends."""

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("site", "factor", "statistic", "basis", "period", "source", name="uq_series_key"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    site: Mapped[str] = mapped_column(Text, ForeignKey("sites.code"))
    factor: Mapped[str] = mapped_column(Text)
    statistic: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    period_seconds: Mapped[int] = mapped_column(Integer)
    unit: Mapped[str] = mapped_column(Text)
    sent_unit: Mapped[str] = mapped_column(Text)
    decimals: Mapped[int] = mapped_column(SmallInteger)
    low: Mapped[float | None]
    high: Mapped[float | None]
    detection_limit: Mapped[float | None]
    resolution: Mapped[float | None]
    permit_limit: Mapped[float | None]
    method: Mapped[str | None] = mapped_column(Text)
    sampling_seconds: Mapped[int | None] = mapped_column(Integer)
    permit_from: Mapped[date | None] = mapped_column(Date)
    permit_to: Mapped[date | None] = mapped_column(Date)


class Scoped:
    """Whose a row is: `dept` and `uscc` own it, `counterpart` and `recipients` read it too."""

    region: Mapped[str | None] = mapped_column(Text)
    dept: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    counterpart: Mapped[str | None] = mapped_column(Text)
    recipients: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    is_published: Mapped[bool] = mapped_column(default=False)


# A site was given another position; the view `site_places` reads these.
_MOVED = (
    "kind = 'sites' AND (before ->> 'longitude', before ->> 'latitude')"
    " IS DISTINCT FROM (after ->> 'longitude', after ->> 'latitude')"
)


class RegistryChange(Scoped, Base):
    """Every change of the registry, with who made it; the highest id is the registry's version."""

    __tablename__ = "registry_changes"
    __table_args__ = (
        Index("ix_registry_changes_kind_code", "kind", "code"),
        Index("ix_registry_changes_kind_id", "kind", "id"),
        Index("ix_registry_changes_moves", "id", postgresql_where=text(_MOVED)),
        Index("ix_registry_changes_moves_of", "code", "id", postgresql_where=text(_MOVED)),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
