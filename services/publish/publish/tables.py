"""Tables of `publish`: what arrived (sites, series, figures, cases, listings) and what was said (releases).

Promises: every projection row can be built from its events in any order and ends up the same. Versions and
steps are append-only (the writer holds no UPDATE on them). Leaves to `queries` how they are read, and to
`rules` what they mean.
"""

from datetime import date, datetime
from typing import Any

from kit.db import NAMES
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Instant = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The metadata of this service, with the platform's names for constraints."""

    metadata = MetaData(naming_convention=NAMES)


class Site(Base):
    """A station or outlet as the registry last described it."""

    __tablename__ = "sites"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    element: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text, index=True)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    uscc: Mapped[str | None] = mapped_column(Text)
    organisation_zh: Mapped[str | None] = mapped_column(Text)
    organisation_en: Mapped[str | None] = mapped_column(Text)
    is_assessed: Mapped[bool]


class Series(Base):
    """A series named by any verdict: the way from a series id to its station and factor."""

    __tablename__ = "series"
    __table_args__ = (Index("ix_series_site_factor", "site", "factor"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    factor: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    decimals: Mapped[int] = mapped_column(SmallInteger)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    is_public: Mapped[bool]


class FigureRow(Base):
    """The current verdict on one hourly mean of a station; a higher revision replaces a lower one."""

    __tablename__ = "figures"

    series_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    value: Mapped[float | None]
    decimals: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[int] = mapped_column(SmallInteger)
    tests: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(Integer)
    rule_pack: Mapped[str] = mapped_column(Text)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")


class TouchedHour(Base):
    """A station's hour whose figures changed since the releases were last compared with them."""

    __tablename__ = "touched_hours"

    site: Mapped[str] = mapped_column(Text, primary_key=True)
    ts: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    touches: Mapped[int] = mapped_column(Integer)
    traces: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")


class FraudCase(Base):
    """One case's confirmed falsification and its lifting, merged whatever arrives first."""

    __tablename__ = "fraud_cases"

    case_id: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    typology: Mapped[str | None] = mapped_column(Text)
    series_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    from_at: Mapped[datetime | None] = mapped_column(Instant)
    to_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    annulled_at: Mapped[datetime | None] = mapped_column(Instant)
    is_effective: Mapped[bool] = mapped_column(server_default="false")
    withdrawal_reason_zh: Mapped[str | None] = mapped_column(Text)
    withdrawal_reason_en: Mapped[str | None] = mapped_column(Text)
    annulment_reason: Mapped[str | None] = mapped_column(Text)


class Hold(Base):
    """Figures that wait for an analyst's decision, and the decision, merged whatever arrives first."""

    __tablename__ = "holds"
    __table_args__ = (Index("ix_holds_site_factor", "site", "factor"),)

    hold_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str | None] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    factor: Mapped[str | None] = mapped_column(Text)
    from_at: Mapped[datetime | None] = mapped_column(Instant)
    to_at: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_zh: Mapped[str | None] = mapped_column(Text)
    reason_en: Mapped[str | None] = mapped_column(Text)
    source_clause: Mapped[str | None] = mapped_column(Text)
    placed_at: Mapped[datetime | None] = mapped_column(Instant)
    decision: Mapped[str | None] = mapped_column(Text)
    released: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    released_tests: Mapped[int] = mapped_column(BigInteger, server_default="0")
    decision_reason: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)


class Listing(Base):
    """A listed subject as credit told it, merged whatever arrives first; credit stays the authority."""

    __tablename__ = "listings"

    listing_id: Mapped[str] = mapped_column(Text, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str] = mapped_column(Text)
    case_id: Mapped[str | None] = mapped_column(Text)
    decision_no: Mapped[str | None] = mapped_column(Text)
    organisation_zh: Mapped[str | None] = mapped_column(Text)
    organisation_en: Mapped[str | None] = mapped_column(Text)
    subject_type: Mapped[str | None] = mapped_column(Text)
    ground: Mapped[str | None] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    listed_at: Mapped[datetime | None] = mapped_column(Instant)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)
    suspension_reason: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    removal_outcome: Mapped[str | None] = mapped_column(Text)
    removal_reason: Mapped[str | None] = mapped_column(Text)


class CatalogueItem(Base):
    """What may be published at all: the publication catalogue (发布清单)."""

    __tablename__ = "catalogue_items"

    item_code: Mapped[str] = mapped_column(Text, primary_key=True)
    region: Mapped[str] = mapped_column(Text)
    owner_dept: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    changed_by: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Release(Base):
    """One item for one region and one hour, on its way from draft to the public."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("item_code", "region", "from_at"),
        Index("ix_releases_published", "region", "from_at", "id"),
        Index("ix_releases_from_at_id", "from_at", "id"),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    item_code: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    draft: Mapped[str | None] = mapped_column(Text)
    draft_sha256: Mapped[str | None] = mapped_column(Text)
    drafted_by: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str | None] = mapped_column(Text)
    approved_sha256: Mapped[str | None] = mapped_column(Text)


class ReleaseVersion(Base):
    """What the public was told at one moment, for good: the exact snapshot text and its digest.

    `headline` repeats what lists show (aqi, level), so that a list need not read whole snapshots; `nonce`
    belongs to its leaf in the evidence log (versions before the log have none).
    """

    __tablename__ = "release_versions"

    release_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    snapshot: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    headline: Mapped[dict[str, Any]] = mapped_column(JSONB)
    approved_by: Mapped[str] = mapped_column(Text)
    reason_zh: Mapped[str | None] = mapped_column(Text)
    reason_en: Mapped[str | None] = mapped_column(Text)
    published_at: Mapped[datetime] = mapped_column(Instant)
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)


class LogQuorum(Base):
    """Whether enough witnesses cosign the evidence log, as it was said last."""

    __tablename__ = "log_quorums"

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    lost_at: Mapped[datetime | None] = mapped_column(Instant)
    regained_at: Mapped[datetime | None] = mapped_column(Instant)


class ReleaseStep(Base):
    """One step somebody (or a rule) took with a release. Append-only."""

    __tablename__ = "release_steps"
    __table_args__ = (Index("ix_release_steps_release", "release_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    release_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    step: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(Text)
    note_zh: Mapped[str] = mapped_column(Text)
    note_en: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[datetime] = mapped_column(Instant)
