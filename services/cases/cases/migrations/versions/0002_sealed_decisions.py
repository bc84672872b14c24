"""What was decided, as it was said, with the nonce of its leaf in the evidence log."""

from alembic import op
from kit.migrate import grant

revision = "cases_0002"
down_revision = "cases_0001"

TABLE = """
CREATE TABLE sealed_decisions (
    case_id uuid NOT NULL, kind text NOT NULL, content text NOT NULL, sha256 bytea NOT NULL, nonce bytea NOT NULL,
    entry bytea NOT NULL, sealed_at timestamptz NOT NULL,
    CONSTRAINT pk_sealed_decisions PRIMARY KEY (case_id, kind),
    CONSTRAINT fk_sealed_decisions_case_id_cases FOREIGN KEY (case_id) REFERENCES cases (case_id))
"""


def upgrade() -> None:
    op.execute(TABLE)
    grant("sealed_decisions", writer="SELECT, INSERT", reader="SELECT")
