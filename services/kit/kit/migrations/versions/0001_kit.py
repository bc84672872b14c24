"""Outbox, cursors and parked messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kit.migrate import grant

revision = "0001"
down_revision = None
NOW = sa.func.now()


def upgrade() -> None:
    outbox()
    cursors()
    parked()


def outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("traceparent", sa.Text, nullable=False),
        sa.Column("trace_ids", ARRAY(sa.Text), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_unnumbered", "outbox", ["id"], postgresql_where=sa.text("seq IS NULL"))
    op.create_index("ix_outbox_event_lane_seq", "outbox", ["event", "lane", "seq"], unique=True)
    op.create_index("ix_outbox_trace_ids", "outbox", ["trace_ids"], postgresql_using="gin")
    # Every row is updated once, right after its birth: the partial index must be swept often.
    op.execute("ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.02)")
    op.create_table(
        "outbox_heads",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("published_seq", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("event", "lane", name="pk_outbox_heads"),
    )
    grant("outbox", writer="SELECT, INSERT, UPDATE (seq)", reader="SELECT")
    grant("outbox_heads", writer="SELECT, INSERT, UPDATE", reader="SELECT")


def cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("begun", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tried", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("consumer", "event", "lane", name="pk_cursors"),
    )
    grant("cursors", writer="SELECT, INSERT, UPDATE", reader="SELECT")


def parked() -> None:
    op.create_table(
        "parked",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("replayed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_parked"),
    )
    place = ["consumer", "event", "lane", "seq"]
    op.create_index("ix_parked_consumer_event_lane_seq", "parked", place, unique=True)
    waiting = sa.text("replayed_at IS NULL")
    op.create_index("ix_parked_waiting", "parked", ["consumer", "event", "key"], postgresql_where=waiting)
    grant("parked", writer="SELECT, INSERT, UPDATE (attempts, reason, replayed_at)", reader="SELECT")
