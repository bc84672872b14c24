"""Scores of operators in third-party comparisons.

Revision ID: credit_0002
Revises: credit_0001
"""

from alembic import op
from kit.migrate import grant

revision = "credit_0002"
down_revision = "credit_0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE operator_scores (
            score_id text CONSTRAINT pk_operator_scores PRIMARY KEY,
            operator text NOT NULL,
            third_party text,
            region text NOT NULL,
            held_on date NOT NULL,
            period text NOT NULL,
            score double precision NOT NULL,
            is_poor boolean NOT NULL,
            source_clause text NOT NULL,
            scored_at timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_operator_scores_operator_held_on ON operator_scores (operator, held_on)")
    grant("operator_scores", writer="SELECT, INSERT", reader="SELECT")
