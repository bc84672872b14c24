"""Files sent in parts, their answers, and other doors for observations."""

from alembic import context, op

from kit.migrate import grant

revision = "0004"
down_revision = "0003"

# Whose row was refused, as far as the row said so: refusals can be listed by site.
REFUSALS = "ALTER TABLE refused_rows ADD COLUMN site TEXT"

UPLOADS = """
CREATE TABLE uploads (
    id UUID NOT NULL,
    seal BYTEA NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    format TEXT NOT NULL,
    charset TEXT,
    mapping JSONB NOT NULL,
    sender TEXT NOT NULL,
    principal JSONB NOT NULL,
    dept TEXT,
    region TEXT,
    region_path TEXT[] NOT NULL,
    uscc TEXT,
    trace_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    received BIGINT NOT NULL,
    records BIGINT NOT NULL,
    batches INTEGER NOT NULL,
    accepted BIGINT NOT NULL,
    repeated BIGINT NOT NULL,
    revised BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    problem JSONB,
    tries INTEGER NOT NULL,
    worker UUID,
    leased_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_uploads PRIMARY KEY (id)
)
"""
INDICES = (
    "CREATE UNIQUE INDEX uq_uploads_seal ON uploads (sender, seal) "
    "WHERE state <> 'refused' AND state <> 'expired' AND state <> 'failed'",
    "CREATE INDEX ix_uploads_sha256 ON uploads (sha256)",
)
PARTS = """
CREATE TABLE upload_parts (
    upload UUID NOT NULL,
    at BIGINT NOT NULL,
    size INTEGER NOT NULL,
    sha256 BYTEA NOT NULL,
    CONSTRAINT pk_upload_parts PRIMARY KEY (upload, at)
)
"""
BATCHES = """
CREATE TABLE upload_batches (
    upload UUID NOT NULL,
    number INTEGER NOT NULL,
    submission UUID NOT NULL,
    first_record BIGINT NOT NULL,
    records INTEGER NOT NULL,
    answers BYTEA NOT NULL,
    CONSTRAINT pk_upload_batches PRIMARY KEY (upload, number)
)
"""
# Answers are compressed by us already.
STORAGE = "ALTER TABLE upload_batches ALTER COLUMN answers SET STORAGE EXTERNAL"


def upgrade() -> None:
    for statement in (REFUSALS, UPLOADS, *INDICES, PARTS, BATCHES, STORAGE):
        op.execute(statement)
    grant("uploads", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("upload_parts", writer="SELECT, INSERT")
    grant("upload_batches", writer="SELECT, INSERT", reader="SELECT")
    reader = f'"{context.config.attributes["service"]}_reader"'
    for table, visible in (
        ("uploads", "is_visible(region_path, uscc)"),
        ("upload_batches", "EXISTS (SELECT FROM uploads u WHERE u.id = upload)"),
    ):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_visible ON {table} FOR SELECT TO {reader} USING ({visible})")
