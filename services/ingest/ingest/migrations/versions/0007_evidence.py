"""Leaves of the evidence log and receipts."""

from alembic import context, op

revision = "0007"
down_revision = "0006"

# What was received before has no leaf, and no nonce.
NONCE = "ALTER TABLE submissions ADD COLUMN nonce BYTEA"
# An auditor compares every submission with the log, whoever sent it; the policy gives that right to one list.
AUDITED = """
CREATE POLICY submissions_audited ON submissions FOR SELECT TO "{reader}"
    USING (string_to_array(current_setting('jianzhen.roles', true), ',') && ARRAY['auditor'])
"""


def upgrade() -> None:
    op.execute(NONCE)
    op.execute(AUDITED.format(reader=f"{context.config.attributes['service']}_reader"))
