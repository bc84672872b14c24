"""Old outbox rows go: only those the bus has and every reader inside this database has passed."""

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"

# Nobody but this function may remove what was said; 7 days are what the bus keeps. It looks at the oldest rows
# only: where those must stay, all stays, and no run reads the whole table.
PRUNE = """
CREATE FUNCTION prune_outbox(before timestamptz, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS (
        SELECT o.id FROM (SELECT * FROM outbox ORDER BY id LIMIT most) AS o
        JOIN outbox_heads h USING (event, lane)
        WHERE o.occurred_at < least(before, now() - interval '7 days') AND o.seq <= h.published_seq
        AND NOT EXISTS (
            SELECT 1 FROM cursors c WHERE c.event = o.event AND c.lane = o.lane AND c.seq < o.seq
        )
    ), gone AS (
        DELETE FROM outbox USING old WHERE outbox.id = old.id RETURNING outbox.event, outbox.lane, outbox.seq
    ), marked AS (
        UPDATE outbox_heads h SET pruned_seq = greatest(h.pruned_seq, m.seq)
        FROM (SELECT event, lane, max(seq) AS seq FROM gone GROUP BY event, lane) m
        WHERE h.event = m.event AND h.lane = m.lane
    )
    SELECT count(*) FROM gone
$$
"""


def upgrade() -> None:
    op.add_column("outbox_heads", sa.Column("pruned_seq", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(PRUNE)
    op.execute("REVOKE ALL ON FUNCTION prune_outbox FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION prune_outbox TO "{context.config.attributes["service"]}_writer"')
