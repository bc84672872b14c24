"""The chain of custody, self-proof, bans and listings as credit told them, the log's quorum.

Revision ID: qc_0005
Revises: qc_0004
"""

from alembic import op
from kit.migrate import grant

revision = "qc_0003"
down_revision = "qc_0002"

OWNER = "institution text NOT NULL, owner_dept text, uscc text, region text NOT NULL"
CUSTODY = f"""
        CREATE TABLE lab_people (
            entry_id uuid CONSTRAINT pk_lab_people PRIMARY KEY,
            {OWNER},
            number text NOT NULL,
            name text NOT NULL,
            subject text NOT NULL,
            posts text[] NOT NULL,
            since date NOT NULL,
            entered_at timestamptz NOT NULL,
            entered_by text NOT NULL
        );
        CREATE INDEX ix_lab_people_institution_number_entry_id ON lab_people (institution, number, entry_id);

        CREATE TABLE person_departures (
            institution text NOT NULL,
            number text NOT NULL,
            left_on date NOT NULL,
            reason text NOT NULL,
            entered_at timestamptz NOT NULL,
            entered_by text NOT NULL,
            CONSTRAINT pk_person_departures PRIMARY KEY (institution, number)
        );

        CREATE TABLE lab_steps (
            step_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_lab_steps PRIMARY KEY,
            {OWNER},
            sample text NOT NULL,
            number integer NOT NULL,
            revision integer NOT NULL,
            stage text NOT NULL,
            happened_at timestamptz NOT NULL,
            persons text[] NOT NULL,
            instruments text[] NOT NULL,
            materials text[] NOT NULL,
            method text,
            environment jsonb NOT NULL,
            measurement text,
            place jsonb,
            detail text,
            raw text,
            raw_sha256 text,
            raw_object text,
            content_sha256 text NOT NULL,
            received_at timestamptz NOT NULL,
            received_from text NOT NULL,
            CONSTRAINT uq_lab_steps_institution_sample_number_revision
                UNIQUE (institution, sample, number, revision)
        );

        CREATE TABLE manual_results (
            result_id uuid CONSTRAINT pk_manual_results PRIMARY KEY,
            {OWNER},
            number text NOT NULL,
            sample text NOT NULL,
            site text NOT NULL,
            factor text NOT NULL,
            value text NOT NULL,
            unit text NOT NULL,
            method text NOT NULL,
            corrects uuid CONSTRAINT fk_manual_results_corrects_manual_results REFERENCES manual_results
                CONSTRAINT uq_manual_results_corrects UNIQUE,
            entered_at timestamptz NOT NULL,
            entered_by text NOT NULL,
            CONSTRAINT uq_manual_results_institution_number UNIQUE (institution, number)
        );
        CREATE INDEX ix_manual_results_site_result_id ON manual_results (site, result_id);

        CREATE TABLE signatures (
            result_id uuid NOT NULL CONSTRAINT fk_signatures_result_id_manual_results REFERENCES manual_results,
            post text NOT NULL,
            outcome text NOT NULL,
            person text NOT NULL,
            name text NOT NULL,
            subject text NOT NULL,
            grade text NOT NULL,
            reason text NOT NULL,
            signed_sha256 text NOT NULL,
            signed_at timestamptz NOT NULL,
            CONSTRAINT pk_signatures PRIMARY KEY (result_id, post)
        );

        CREATE TABLE manual_reports (
            report_id uuid CONSTRAINT pk_manual_reports PRIMARY KEY,
            {OWNER},
            number text NOT NULL,
            sha256 text NOT NULL,
            object text,
            filed_at timestamptz NOT NULL,
            filed_by text NOT NULL,
            CONSTRAINT uq_manual_reports_institution_number UNIQUE (institution, number)
        );

        CREATE TABLE reported_results (
            report_id uuid NOT NULL
                CONSTRAINT fk_reported_results_report_id_manual_reports REFERENCES manual_reports,
            result_id uuid NOT NULL
                CONSTRAINT fk_reported_results_result_id_manual_results REFERENCES manual_results,
            CONSTRAINT pk_reported_results PRIMARY KEY (report_id, result_id)
        );
"""
PROOFS = """
        CREATE TABLE self_proofs (
            proof_id uuid CONSTRAINT pk_self_proofs PRIMARY KEY,
            site text NOT NULL,
            region text NOT NULL,
            uscc text NOT NULL,
            series_id bigint NOT NULL,
            from_at timestamptz NOT NULL,
            to_at timestamptz NOT NULL,
            suspicion_id uuid,
            question_zh text NOT NULL,
            question_en text NOT NULL,
            requested_by text NOT NULL,
            requested_at timestamptz NOT NULL,
            due_on date NOT NULL,
            due_at timestamptz NOT NULL,
            is_due_provisional boolean NOT NULL,
            source text NOT NULL,
            state text NOT NULL,
            is_overdue boolean NOT NULL,
            traces text[] NOT NULL
        );
        CREATE INDEX ix_self_proofs_region_proof_id ON self_proofs (region, proof_id);
        CREATE INDEX ix_self_proofs_state_due_at ON self_proofs (state, due_at);

        CREATE TABLE self_proof_evidence (
            evidence_id uuid CONSTRAINT pk_self_proof_evidence PRIMARY KEY,
            proof_id uuid NOT NULL CONSTRAINT fk_self_proof_evidence_proof_id_self_proofs REFERENCES self_proofs,
            kind text NOT NULL,
            title text NOT NULL,
            sha256 text NOT NULL,
            object text NOT NULL,
            made_at timestamptz NOT NULL,
            given_at timestamptz NOT NULL,
            given_by text NOT NULL,
            is_late boolean NOT NULL
        );
        CREATE INDEX ix_self_proof_evidence_proof_id_evidence_id ON self_proof_evidence (proof_id, evidence_id);

        CREATE TABLE self_proof_steps (
            step_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_self_proof_steps PRIMARY KEY,
            proof_id uuid NOT NULL CONSTRAINT fk_self_proof_steps_proof_id_self_proofs REFERENCES self_proofs,
            step text NOT NULL,
            actor text NOT NULL,
            actor_text text NOT NULL,
            at timestamptz NOT NULL,
            reason text NOT NULL,
            detail jsonb NOT NULL
        );
        CREATE INDEX ix_self_proof_steps_proof_id_step_id ON self_proof_steps (proof_id, step_id);
"""
TOLD = """
        CREATE TABLE known_bans (
            ban_id text CONSTRAINT pk_known_bans PRIMARY KEY,
            person text NOT NULL,
            decision_no text,
            legal_basis text,
            valid_from date,
            valid_to date,
            lifted_at_ms bigint
        );
        CREATE INDEX ix_known_bans_person ON known_bans (person);

        CREATE TABLE known_listings (
            listing_id text CONSTRAINT pk_known_listings PRIMARY KEY,
            uscc text NOT NULL,
            decision_no text,
            legal_basis text,
            valid_from date,
            valid_to date,
            ended_at_ms bigint
        );
        CREATE INDEX ix_known_listings_uscc ON known_listings (uscc);

        CREATE TABLE log_quorum (
            log text CONSTRAINT pk_log_quorum PRIMARY KEY,
            since_ms bigint,
            lost_at_ms bigint,
            regained_at_ms bigint
        );

        CREATE TABLE answers (
            subject text NOT NULL,
            key text NOT NULL,
            request_sha256 text NOT NULL,
            body jsonb,
            given_at timestamptz NOT NULL,
            CONSTRAINT pk_answers PRIMARY KEY (subject, key)
        );
"""
ONCE = (
    "lab_people", "person_departures", "lab_steps", "manual_results", "signatures", "manual_reports",
    "reported_results", "self_proofs", "self_proof_evidence", "self_proof_steps",
)


def upgrade() -> None:
    for statement in filter(str.strip, (CUSTODY + ";" + PROOFS + ";" + TOLD).split(";")):
        op.execute(statement)
    for table in ONCE:
        grant(table, writer="SELECT, INSERT", reader="SELECT")
    grant("self_proofs", writer="UPDATE (state, is_overdue)")
    for table in ("known_bans", "known_listings", "log_quorum"):
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("answers", writer="SELECT, INSERT, UPDATE")
