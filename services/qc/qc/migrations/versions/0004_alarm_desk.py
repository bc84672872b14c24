"""The alarm desk: duty, steps, suppressions, holds, differing sources, remote checks, where sites lie.

Revision ID: qc_0003
Revises: qc_0005
"""

from alembic import op
from kit.migrate import grant

revision = "qc_0004"
down_revision = "qc_0003"

APPEND_ONLY = ("desk_steps", "differing_pairs")
KEPT = (
    "site_places",
    "area_places",
    "duty_shifts",
    "suppressions",
    "suppressed_alarms",
    "holds",
    "check_draws",
    "check_orders",
)

ALARMS = """
        ALTER TABLE alarms
            ADD COLUMN level smallint NOT NULL DEFAULT 1,
            ADD COLUMN escalate_at timestamptz,
            ADD COLUMN acknowledged_at timestamptz,
            ADD COLUMN acknowledged_by text,
            ADD COLUMN assignee text,
            ADD COLUMN closed_at timestamptz,
            ADD COLUMN closed_by text,
            ADD COLUMN cause text;
        CREATE INDEX ix_alarms_escalate ON alarms (escalate_at) WHERE escalate_at IS NOT NULL;
        CREATE INDEX ix_alarms_on_desk ON alarms (region) WHERE withdrawn_at IS NULL AND closed_at IS NULL;
"""
TABLES = """
        CREATE TABLE site_places (
            site text NOT NULL,
            area text,
            dept text,
            change bigint NOT NULL,
            CONSTRAINT pk_site_places PRIMARY KEY (site)
        );
        CREATE INDEX ix_site_places_area ON site_places (area);

        CREATE TABLE area_places (
            area text NOT NULL,
            kind text NOT NULL,
            region text NOT NULL,
            name_zh text NOT NULL,
            name_en text NOT NULL,
            change bigint NOT NULL,
            CONSTRAINT pk_area_places PRIMARY KEY (area)
        );

        CREATE TABLE duty_shifts (
            shift_id uuid NOT NULL,
            region text NOT NULL,
            dept text NOT NULL,
            level smallint NOT NULL,
            person text NOT NULL,
            name text NOT NULL,
            contact text NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            entered_by text NOT NULL,
            entered_at timestamptz NOT NULL,
            cancelled_by text,
            cancelled_at timestamptz,
            CONSTRAINT pk_duty_shifts PRIMARY KEY (shift_id)
        );
        CREATE INDEX ix_duty_shifts_ends_at_level ON duty_shifts (ends_at, level);
        CREATE INDEX ix_duty_shifts_region_shift_id ON duty_shifts (region, shift_id);

        CREATE TABLE desk_steps (
            step_no bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
            subject text NOT NULL,
            subject_id uuid NOT NULL,
            step text NOT NULL,
            level smallint NOT NULL,
            actor text NOT NULL,
            assignee text,
            cause text,
            note text NOT NULL,
            taken_at timestamptz NOT NULL,
            CONSTRAINT pk_desk_steps PRIMARY KEY (step_no)
        );
        CREATE INDEX ix_desk_steps_subject_id_step_no ON desk_steps (subject_id, step_no);

        CREATE TABLE suppressions (
            suppression_id uuid NOT NULL,
            region text NOT NULL,
            rule text,
            series_id bigint,
            site text,
            reason text NOT NULL,
            imposed_by text NOT NULL,
            imposed_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            lifted_by text,
            lifted_at timestamptz,
            lift_reason text,
            CONSTRAINT pk_suppressions PRIMARY KEY (suppression_id)
        );
        CREATE INDEX ix_suppressions_expires_at ON suppressions (expires_at);
        CREATE INDEX ix_suppressions_region_suppression_id ON suppressions (region, suppression_id);

        CREATE TABLE suppressed_alarms (
            suppression_id uuid NOT NULL,
            rule text NOT NULL,
            series_id bigint NOT NULL,
            site text NOT NULL,
            from_at timestamptz NOT NULL,
            to_at timestamptz NOT NULL,
            value double precision,
            hidden_at timestamptz NOT NULL,
            CONSTRAINT pk_suppressed_alarms PRIMARY KEY (suppression_id, rule, series_id)
        );

        CREATE TABLE holds (
            hold_id uuid NOT NULL,
            kind text NOT NULL,
            alarm_id uuid,
            site text NOT NULL,
            region text NOT NULL,
            uscc text,
            factor text NOT NULL,
            series_ids bigint[] NOT NULL,
            sources jsonb NOT NULL,
            from_at timestamptz NOT NULL,
            to_at timestamptz NOT NULL,
            reason_zh text NOT NULL,
            reason_en text NOT NULL,
            source_clause text NOT NULL,
            persons smallint NOT NULL,
            level smallint NOT NULL,
            placed_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            escalate_at timestamptz,
            proposed text,
            proposed_by text,
            released bigint[] NOT NULL,
            decision text,
            decided_by text,
            decided_at timestamptz,
            decision_reason text,
            CONSTRAINT pk_holds PRIMARY KEY (hold_id)
        );
        CREATE INDEX ix_holds_open ON holds (site, factor) WHERE decision IS NULL;
        CREATE INDEX ix_holds_escalate ON holds (escalate_at) WHERE decision IS NULL;
        CREATE INDEX ix_holds_alarm ON holds (alarm_id) WHERE alarm_id IS NOT NULL;
        CREATE INDEX ix_holds_region_hold_id ON holds (region, hold_id);

        CREATE TABLE differing_pairs (
            series_a bigint NOT NULL,
            series_b bigint NOT NULL,
            ts timestamptz NOT NULL,
            hold_id uuid NOT NULL,
            value_a double precision NOT NULL,
            value_b double precision NOT NULL,
            tolerance double precision NOT NULL,
            unit text NOT NULL,
            source_clause text NOT NULL,
            noticed_at timestamptz NOT NULL,
            CONSTRAINT pk_differing_pairs PRIMARY KEY (series_a, series_b, ts)
        );
        CREATE INDEX ix_differing_pairs_hold_id ON differing_pairs (hold_id);

        CREATE TABLE check_draws (
            draw_id uuid NOT NULL,
            region text NOT NULL,
            purpose text NOT NULL,
            candidates text[] NOT NULL,
            list_sha256 text NOT NULL,
            take smallint NOT NULL,
            announced text NOT NULL,
            listed_by text NOT NULL,
            listed_at timestamptz NOT NULL,
            value_after timestamptz NOT NULL,
            value text,
            value_source text,
            drawn text[] NOT NULL,
            drawn_by text,
            drawn_at timestamptz,
            CONSTRAINT pk_check_draws PRIMARY KEY (draw_id)
        );
        CREATE INDEX ix_check_draws_region_draw_id ON check_draws (region, draw_id);

        CREATE TABLE check_orders (
            order_id uuid NOT NULL,
            kind text NOT NULL,
            site text NOT NULL,
            region text NOT NULL,
            uscc text,
            factor text NOT NULL,
            mn text,
            alarm_id uuid,
            draw_id uuid,
            reason text NOT NULL,
            ordered_by text NOT NULL,
            ordered_at timestamptz NOT NULL,
            state text NOT NULL,
            command text,
            result jsonb NOT NULL,
            message_zh text NOT NULL,
            message_en text NOT NULL,
            ended_at timestamptz,
            CONSTRAINT pk_check_orders PRIMARY KEY (order_id)
        );
        CREATE INDEX ix_check_orders_region_order_id ON check_orders (region, order_id);
        CREATE INDEX ix_check_orders_alarm ON check_orders (alarm_id) WHERE alarm_id IS NOT NULL;
"""


def upgrade() -> None:
    for statement in filter(str.strip, (ALARMS + TABLES).split(";")):
        op.execute(statement)
    for table in APPEND_ONLY:
        grant(table, writer="SELECT, INSERT", reader="SELECT")
    for table in KEPT:
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
