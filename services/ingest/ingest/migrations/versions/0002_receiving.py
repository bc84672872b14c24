"""What the HJ 212 receiver keeps of devices and frames beyond the first version."""

from alembic import context, op

from kit.migrate import grant

revision = "0002"
down_revision = "0001"

STATEMENTS = """
ALTER TABLE devices ADD COLUMN accepts_absent_crc BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE devices ADD COLUMN answers_refusals BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE devices ADD COLUMN systems TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE devices ADD COLUMN certificate TEXT;
ALTER TABLE devices ALTER COLUMN accepts_absent_crc DROP DEFAULT;
ALTER TABLE devices ALTER COLUMN answers_refusals DROP DEFAULT;
ALTER TABLE devices ALTER COLUMN systems DROP DEFAULT;

CREATE TABLE device_information (
    submission UUID NOT NULL,
    row_no INTEGER NOT NULL,
    mn TEXT NOT NULL,
    command TEXT NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    value TEXT NOT NULL,
    said_at TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_device_information PRIMARY KEY (submission, row_no)
);
CREATE INDEX ix_device_information_mn_submission ON device_information (mn, submission);

CREATE TABLE device_identities (
    mn TEXT NOT NULL,
    part TEXT NOT NULL,
    submission UUID NOT NULL,
    value TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_device_identities PRIMARY KEY (mn, part, submission)
);

CREATE TABLE device_keys (
    mn TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    key BYTEA NOT NULL,
    CONSTRAINT pk_device_keys PRIMARY KEY (mn, since),
    CONSTRAINT fk_device_keys_mn_devices FOREIGN KEY(mn) REFERENCES devices (mn)
);

CREATE TABLE packet_groups (
    mn TEXT NOT NULL,
    command TEXT NOT NULL,
    data_time TIMESTAMP WITH TIME ZONE NOT NULL,
    pnum SMALLINT NOT NULL,
    seen SMALLINT[] NOT NULL,
    state TEXT NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    submission UUID NOT NULL,
    site TEXT NOT NULL,
    region_path TEXT[] NOT NULL,
    uscc TEXT,
    CONSTRAINT pk_packet_groups PRIMARY KEY (mn, command, data_time, pnum)
);
CREATE INDEX ix_packet_groups_last_at ON packet_groups (last_at) WHERE state = 'open';
CREATE INDEX ix_packet_groups_mn_submission ON packet_groups (mn, submission)
"""

BY_REGION = """
ALTER TABLE device_information ENABLE ROW LEVEL SECURITY;
CREATE POLICY device_information_visible ON device_information FOR SELECT TO "{reader}"
    USING (EXISTS (SELECT FROM submissions s WHERE s.id = submission));
ALTER TABLE device_identities ENABLE ROW LEVEL SECURITY;
CREATE POLICY device_identities_visible ON device_identities FOR SELECT TO "{reader}"
    USING (EXISTS (SELECT FROM submissions s WHERE s.id = submission));
ALTER TABLE packet_groups ENABLE ROW LEVEL SECURITY;
CREATE POLICY packet_groups_visible ON packet_groups FOR SELECT TO "{reader}"
    USING (is_visible(region_path, uscc))
"""


def upgrade() -> None:
    reader = f"{context.config.attributes['service']}_reader"
    for statement in (*STATEMENTS.split(";"), *BY_REGION.format(reader=reader).split(";")):
        op.execute(statement)
    grant("device_information", writer="INSERT", reader="SELECT")
    grant("device_identities", writer="SELECT, INSERT", reader="SELECT")
    grant("packet_groups", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    # Keys are secrets: nobody who only reads may see them.
    grant("device_keys", writer="SELECT, INSERT")
