"""The leaf of each version in the evidence log, and whether its witnesses make a quorum."""

from alembic import op
from kit.migrate import grant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE release_versions ADD COLUMN nonce bytea")
    op.execute(
        "CREATE TABLE log_quorums (log text NOT NULL, lost_at timestamptz, regained_at timestamptz,"
        " CONSTRAINT pk_log_quorums PRIMARY KEY (log))"
    )
    grant("log_quorums", writer="SELECT, INSERT, UPDATE", reader="SELECT")
