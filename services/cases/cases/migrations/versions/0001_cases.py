"""Signals, leads, cases, their history, and answers already given."""

import sqlalchemy as sa
from alembic import op
from kit.migrate import grant
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "cases_0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def text(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.Text(), **{"nullable": False, **options})


def maybe(name: str, kind: object = None) -> sa.Column:
    return sa.Column(name, kind or sa.Text(), nullable=True)


def required(name: str, kind: object) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def create_signals() -> None:
    op.create_table(
        "signals",
        text("signal_id", primary_key=True),
        text("kind"),
        text("site"),
        text("region"),
        maybe("raised_at_ms", sa.BigInteger()),
        maybe("withdrawn_at_ms", sa.BigInteger()),
        text("withdrawn_reason_zh", server_default=""),
        text("withdrawn_reason_en", server_default=""),
        maybe("merged_into"),
        maybe("series_id", sa.BigInteger()),
        maybe("rule"),
        maybe("severity"),
        text("message_zh", server_default=""),
        text("message_en", server_default=""),
        maybe("from_at", INSTANT),
        maybe("to_at", INSTANT),
        sa.PrimaryKeyConstraint("signal_id", name="pk_signals"),
    )
    op.create_index("ix_signals_site_from_at", "signals", ["site", "from_at"])
    op.create_index("ix_signals_merged_into", "signals", ["merged_into"])


def create_leads() -> None:
    op.create_table(
        "leads",
        required("lead_id", sa.Uuid()),
        text("origin"),
        text("origin_id"),
        text("region"),
        text("site"),
        maybe("uscc"),
        maybe("organisation_zh"),
        maybe("organisation_en"),
        text("summary"),
        required("series", JSONB()),
        required("findings", JSONB()),
        maybe("score", sa.Float()),
        maybe("from_at", INSTANT),
        maybe("to_at", INSTANT),
        maybe("raised_at_ms", sa.BigInteger()),
        text("state"),
        required("opened_at", INSTANT),
        required("file_by", sa.Date()),
        required("is_file_by_provisional", sa.Boolean()),
        maybe("closed_at", INSTANT),
        maybe("closed_reason"),
        required("traces", ARRAY(sa.Text())),
        sa.PrimaryKeyConstraint("lead_id", name="pk_leads"),
        sa.UniqueConstraint("origin", "region", "origin_id", name="uq_leads_origin_region_origin_id"),
    )
    op.create_index("ix_leads_region_lead_id", "leads", ["region", "lead_id"])


def create_cases() -> None:
    op.create_table(
        "cases",
        required("case_id", sa.Uuid()),
        required("lead_id", sa.Uuid()),
        text("region"),
        text("site"),
        text("state"),
        required("filed_at", INSTANT),
        required("decide_by", sa.Date()),
        required("is_decide_by_provisional", sa.Boolean()),
        maybe("subject_type"),
        maybe("uscc"),
        maybe("organisation_zh"),
        maybe("organisation_en"),
        maybe("typology"),
        maybe("investigation_report"),
        required("series_ids", ARRAY(sa.BigInteger())),
        maybe("act_from_at", INSTANT),
        maybe("act_to_at", INSTANT),
        maybe("confirmed_at", INSTANT),
        maybe("decision_no"),
        maybe("legal_basis_id"),
        maybe("legal_basis"),
        maybe("amount_yuan", sa.BigInteger()),
        maybe("reasoning"),
        maybe("decided_at", INSTANT),
        required("is_basis_withdrawn", sa.Boolean()),
        maybe("basis_withdrawn_at", INSTANT),
        maybe("basis_withdrawn_reason_zh"),
        maybe("basis_withdrawn_reason_en"),
        maybe("annulled_at", INSTANT),
        maybe("annulled_reason"),
        required("traces", ARRAY(sa.Text())),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
        sa.UniqueConstraint("lead_id", name="uq_cases_lead_id"),
        sa.UniqueConstraint("decision_no", name="uq_cases_decision_no"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.lead_id"], name="fk_cases_lead_id_leads"),
    )
    op.create_index("ix_cases_region_case_id", "cases", ["region", "case_id"])


def create_case_steps() -> None:
    op.create_table(
        "case_steps",
        sa.Column("step_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        required("lead_id", sa.Uuid()),
        maybe("case_id", sa.Uuid()),
        text("act"),
        maybe("from_state"),
        text("to_state"),
        text("actor"),
        text("actor_text"),
        required("at", INSTANT),
        text("reason"),
        text("basis"),
        required("officers", JSONB()),
        required("documents", JSONB()),
        required("details", JSONB()),
        maybe("trace_id"),
        sa.PrimaryKeyConstraint("step_id", name="pk_case_steps"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.lead_id"], name="fk_case_steps_lead_id_leads"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_case_steps_case_id_cases"),
    )
    op.create_index("ix_case_steps_lead_id_step_id", "case_steps", ["lead_id", "step_id"])


def create_answers() -> None:
    op.create_table(
        "answers",
        text("subject"),
        text("key"),
        text("request_sha256"),
        maybe("body", JSONB()),
        required("given_at", INSTANT),
        sa.PrimaryKeyConstraint("subject", "key", name="pk_answers"),
    )


def upgrade() -> None:
    create_signals()
    create_leads()
    create_cases()
    create_case_steps()
    create_answers()
    for table in ("signals", "leads", "cases"):
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("case_steps", writer="SELECT, INSERT", reader="SELECT")
    grant("answers", writer="SELECT, INSERT, UPDATE")
