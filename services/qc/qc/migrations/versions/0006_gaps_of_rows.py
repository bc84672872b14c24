"""Anomalies of transmission as units report them, stations declared to be one point, and where sites lie.

Revision ID: qc_0006
Revises: qc_0005
"""

from alembic import op
from kit.migrate import grant

revision = "qc_0006"
down_revision = "qc_0005"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE anomaly_reports (
            code text CONSTRAINT pk_anomaly_reports PRIMARY KEY,
            site text NOT NULL,
            began_at timestamptz NOT NULL,
            reported_at timestamptz NOT NULL,
            repaired_at timestamptz,
            cause text NOT NULL,
            detail text NOT NULL,
            change bigint NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_anomaly_reports_site_began_at ON anomaly_reports (site, began_at)")
    grant("anomaly_reports", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    op.execute("""
        CREATE TABLE point_sites (
            code text NOT NULL,
            site text NOT NULL,
            dept text NOT NULL,
            factors text[] NOT NULL,
            valid_from date NOT NULL,
            valid_to date,
            CONSTRAINT pk_point_sites PRIMARY KEY (code, site)
        )
    """)
    op.execute("CREATE INDEX ix_point_sites_site ON point_sites (site)")
    grant("answers", writer="DELETE")
    op.execute("CREATE INDEX ix_answers_given_at ON answers (given_at)")
    op.execute("ALTER TABLE known_sites ADD longitude double precision, ADD latitude double precision")
    grant("point_sites", writer="SELECT, INSERT, DELETE", reader="SELECT")
