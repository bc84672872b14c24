"""What is known against a case, listings, and their history."""

import sqlalchemy as sa
from alembic import op
from kit.migrate import grant
from sqlalchemy.dialects.postgresql import ARRAY

revision = "credit_0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def text(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.Text(), **{"nullable": False, **options})


def required(name: str, kind: object) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def create_case_marks() -> None:
    op.create_table(
        "case_marks",
        text("case_id"),
        sa.Column("basis_withdrawn_at_ms", sa.BigInteger()),
        text("withdrawn_reason_zh", server_default=""),
        text("withdrawn_reason_en", server_default=""),
        sa.Column("annulled_at_ms", sa.BigInteger()),
        text("annulled_reason", server_default=""),
        sa.PrimaryKeyConstraint("case_id", name="pk_case_marks"),
    )


def create_listings() -> None:
    op.create_table(
        "listings",
        required("listing_id", sa.Uuid()),
        text("case_id"),
        text("decision_no"),
        text("uscc"),
        text("organisation_zh"),
        text("organisation_en"),
        text("subject_type"),
        text("region"),
        text("typology"),
        required("amount_yuan", sa.BigInteger()),
        text("penalty_basis"),
        text("ground"),
        text("ground_zh"),
        text("ground_en"),
        text("grade"),
        text("grade_zh"),
        text("grade_en"),
        text("basis_zh"),
        text("basis_en"),
        required("valid_from", sa.Date()),
        required("repair_from", sa.Date()),
        required("valid_to", sa.Date()),
        text("state"),
        required("is_announced", sa.Boolean()),
        required("listed_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        required("traces", ARRAY(sa.Text())),
        sa.PrimaryKeyConstraint("listing_id", name="pk_listings"),
        sa.UniqueConstraint("case_id", name="uq_listings_case_id"),
        sa.ForeignKeyConstraint(["case_id"], ["case_marks.case_id"], name="fk_listings_case_id_case_marks"),
    )
    op.create_index("ix_listings_uscc", "listings", ["uscc"])
    op.create_index("ix_listings_state_listing_id", "listings", ["state", "listing_id"])
    op.create_index("ix_listings_state_valid_to", "listings", ["state", "valid_to"])


def create_listing_steps() -> None:
    op.create_table(
        "listing_steps",
        sa.Column("step_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        required("listing_id", sa.Uuid()),
        text("act"),
        sa.Column("from_state", sa.Text()),
        text("to_state"),
        text("actor"),
        required("at", INSTANT),
        text("reason_zh"),
        text("reason_en"),
        text("basis"),
        sa.PrimaryKeyConstraint("step_id", name="pk_listing_steps"),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.listing_id"], name="fk_listing_steps_listing_id_listings"
        ),
    )
    op.create_index("ix_listing_steps_listing_id_step_id", "listing_steps", ["listing_id", "step_id"])


def upgrade() -> None:
    create_case_marks()
    create_listings()
    create_listing_steps()
    for table in ("case_marks", "listings"):
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("listing_steps", writer="SELECT, INSERT", reader="SELECT")
