"""Projections, catalogue and releases; the catalogue starts with the hourly air quality index."""

import json

import sqlalchemy as sa
from alembic import op

from kit.migrate import grant

revision = "0001"
down_revision = None

TABLES = (
    """CREATE TABLE sites (
        code text NOT NULL, kind text NOT NULL, element text NOT NULL, region text NOT NULL,
        name_zh text NOT NULL, name_en text NOT NULL, longitude double precision, latitude double precision,
        uscc text, organisation_zh text, organisation_en text, is_assessed boolean NOT NULL,
        CONSTRAINT pk_sites PRIMARY KEY (code))""",
    "CREATE INDEX ix_sites_region ON sites (region)",
    """CREATE TABLE series (
        id integer NOT NULL, site text NOT NULL, region text NOT NULL, factor text NOT NULL,
        source text NOT NULL, unit text NOT NULL, decimals smallint NOT NULL, name_zh text NOT NULL,
        name_en text NOT NULL, is_public boolean NOT NULL, CONSTRAINT pk_series PRIMARY KEY (id))""",
    "CREATE INDEX ix_series_site_factor ON series (site, factor)",
    """CREATE TABLE figures (
        series_id integer NOT NULL, ts timestamptz NOT NULL, value double precision,
        decimals smallint NOT NULL, code smallint NOT NULL, tests bigint NOT NULL, revision integer NOT NULL,
        rule_pack text NOT NULL, traces text[] NOT NULL DEFAULT '{}',
        CONSTRAINT pk_figures PRIMARY KEY (series_id, ts))
        WITH (fillfactor = 85)""",
    """CREATE TABLE touched_hours (
        site text NOT NULL, ts timestamptz NOT NULL, touches integer NOT NULL,
        traces text[] NOT NULL DEFAULT '{}', CONSTRAINT pk_touched_hours PRIMARY KEY (site, ts))""",
    # Every row is deleted seconds after its birth.
    "ALTER TABLE touched_hours SET (autovacuum_vacuum_scale_factor = 0.02)",
    """CREATE TABLE fraud_cases (
        case_id text NOT NULL, site text NOT NULL, region text NOT NULL, typology text,
        series_ids integer[] NOT NULL DEFAULT '{}', from_at timestamptz, to_at timestamptz,
        confirmed_at timestamptz, withdrawn_at timestamptz, annulled_at timestamptz,
        is_effective boolean NOT NULL DEFAULT false,
        withdrawal_reason_zh text, withdrawal_reason_en text, annulment_reason text,
        CONSTRAINT pk_fraud_cases PRIMARY KEY (case_id))""",
    """CREATE TABLE listings (
        listing_id text NOT NULL, region text NOT NULL, uscc text NOT NULL, case_id text, decision_no text,
        organisation_zh text, organisation_en text, subject_type text, ground text, legal_basis text,
        valid_from date, valid_to date, listed_at timestamptz, suspended_at timestamptz,
        suspension_reason text, removed_at timestamptz, removal_outcome text, removal_reason text,
        CONSTRAINT pk_listings PRIMARY KEY (listing_id))""",
    """CREATE TABLE catalogue_items (
        item_code text NOT NULL, region text NOT NULL, owner_dept text NOT NULL, level text NOT NULL,
        content jsonb NOT NULL, valid_from date NOT NULL, valid_to date, changed_by text NOT NULL,
        changed_at timestamptz NOT NULL, CONSTRAINT pk_catalogue_items PRIMARY KEY (item_code))""",
    """CREATE TABLE releases (
        id uuid NOT NULL, item_code text NOT NULL, region text NOT NULL, from_at timestamptz NOT NULL,
        to_at timestamptz NOT NULL, status text NOT NULL, version integer NOT NULL, draft text,
        draft_sha256 text, drafted_by text NOT NULL, approved_by text, approved_sha256 text,
        CONSTRAINT pk_releases PRIMARY KEY (id),
        CONSTRAINT uq_releases_item_code_region_from_at UNIQUE (item_code, region, from_at))""",
    "CREATE INDEX ix_releases_published ON releases (region, from_at, id)",
    "CREATE INDEX ix_releases_from_at_id ON releases (from_at, id)",
    """CREATE TABLE release_versions (
        release_id uuid NOT NULL, version integer NOT NULL, snapshot text NOT NULL, sha256 text NOT NULL,
        headline jsonb NOT NULL, approved_by text NOT NULL, reason_zh text, reason_en text, published_at timestamptz NOT NULL,
        CONSTRAINT pk_release_versions PRIMARY KEY (release_id, version))""",
    """CREATE TABLE release_steps (
        id bigint GENERATED ALWAYS AS IDENTITY, release_id uuid NOT NULL, step text NOT NULL,
        version integer NOT NULL, actor text NOT NULL, sha256 text, note_zh text NOT NULL,
        note_en text NOT NULL, taken_at timestamptz NOT NULL,
        CONSTRAINT pk_release_steps PRIMARY KEY (id))""",
    "CREATE INDEX ix_release_steps_release ON release_steps (release_id, id)",
)
KEPT = "SELECT, INSERT, UPDATE"
RIGHTS = {
    "sites": KEPT,
    "series": KEPT,
    "figures": KEPT,
    "touched_hours": "SELECT, INSERT, UPDATE, DELETE",
    "fraud_cases": KEPT,
    "listings": KEPT,
    "catalogue_items": KEPT,
    "releases": KEPT,
    "release_versions": "SELECT, INSERT",
    "release_steps": "SELECT, INSERT",
}
HOURLY_INDEX = {
    "title": {"zh": "空气质量指数小时报", "en": "Hourly air quality index"},
    "content": {
        "zh": "城市六项污染物小时平均浓度、空气质量分指数、空气质量指数、级别和首要污染物",
        "en": "Hourly means of six pollutants for the city, sub-indices, air quality index, level, primary pollutants",
    },
    "indicator_set": "aqi-hourly",
    "consult_depts": [],
    "outlet": "portal",
    "frequency": "0 * * * *",
    "grace_minutes": 30,
    "draft_window_hours": 3,
    "media": ["portal", "api"],
    "legal_basis": {
        "zh": "HJ 633-2026 第5.2条；生态环境监测条例（国务院令第820号）",
        "en": "HJ 633-2026 §5.2; Ecological and Environmental Monitoring Regulations (State Council Decree 820)",
    },
    "quality_gate": {"min_station_share": 0.5, "exempt_factors": []},
    "retention": {"zh": "永久", "en": "permanent"},
    "license": {"zh": "可自由使用，须注明来源和版本", "en": "Free to use with source and version"},
}


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table, rights in RIGHTS.items():
        grant(table, writer=rights, reader="SELECT")
    op.execute(
        sa.text(
            "INSERT INTO catalogue_items (item_code, region, owner_dept, level, content, valid_from, changed_by,"
            " changed_at) VALUES ('air.aqi.hourly', '100000', 'ee', 'prefecture', CAST(:content AS jsonb),"
            " DATE '2026-01-01', 'HJ 633-2026', now())"
        ).bindparams(content=json.dumps(HOURLY_INDEX, ensure_ascii=False))
    )
