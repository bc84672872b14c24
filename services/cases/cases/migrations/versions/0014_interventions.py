"""干预记录 and who reported: append-only, and who recorded or reported apart from what was said."""

from alembic import op
from kit.migrate import grant, lock
from policy.lock import condition, through

revision = "cases_0014"
down_revision = "cases_0013"

TABLES = """
CREATE TABLE interventions (
    intervention_id uuid NOT NULL, category text NOT NULL, form text NOT NULL, region text NOT NULL,
    intervener text NOT NULL, intervener_name text NOT NULL, happened_at timestamptz NOT NULL, content text NOT NULL,
    lead_id uuid, addressed_to text, medium text NOT NULL, extraction text NOT NULL, attachments jsonb NOT NULL,
    owner_dept text, owner_uscc text, recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_interventions PRIMARY KEY (intervention_id),
    CONSTRAINT fk_interventions_lead_id_leads FOREIGN KEY (lead_id) REFERENCES leads (lead_id));
CREATE INDEX ix_interventions_region_intervention_id ON interventions (region, intervention_id);
CREATE TABLE intervention_recorders (
    intervention_id uuid NOT NULL, subject text NOT NULL, name text NOT NULL, principal text NOT NULL,
    CONSTRAINT pk_intervention_recorders PRIMARY KEY (intervention_id),
    CONSTRAINT fk_intervention_recorders_intervention_id_interventions FOREIGN KEY (intervention_id)
        REFERENCES interventions (intervention_id));
CREATE TABLE intervention_reads (
    read_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL, intervention_id uuid NOT NULL, subject text NOT NULL,
    principal text NOT NULL, ground text NOT NULL, is_of_recorder boolean NOT NULL, at timestamptz NOT NULL,
    CONSTRAINT pk_intervention_reads PRIMARY KEY (read_id),
    CONSTRAINT fk_intervention_reads_intervention_id_interventions FOREIGN KEY (intervention_id)
        REFERENCES interventions (intervention_id));
CREATE INDEX ix_intervention_reads_intervention_id_read_id ON intervention_reads (intervention_id, read_id);
CREATE TABLE reporters (
    lead_id uuid NOT NULL, name text NOT NULL, contact text NOT NULL, given_at timestamptz NOT NULL,
    CONSTRAINT pk_reporters PRIMARY KEY (lead_id),
    CONSTRAINT fk_reporters_lead_id_leads FOREIGN KEY (lead_id) REFERENCES leads (lead_id));
"""
# Whoever intervened, or sits in that department, reads nothing of it, whatever else it may read.
NOT_OF_THE_INTERVENER = """intervener <> (SELECT concat(
    current_setting('jianzhen.dept', true), '@', current_setting('jianzhen.region', true)))"""


def asked_for(permission: str) -> str:
    return f"(SELECT current_setting('jianzhen.reach_permission', true)) = '{permission}'"


def upgrade() -> None:
    for statement in filter(str.strip, TABLES.split(";")):
        op.execute(statement)
    reach = condition(region="region", uscc="owner_uscc", dept="owner_dept", addressed="addressed_to")
    lock("interventions", f"({reach}) AND {NOT_OF_THE_INTERVENER}")
    for table in ("intervention_recorders", "intervention_reads"):
        seen = through("interventions", f"{table}.intervention_id", "intervention_id")
        lock(table, f"{asked_for('interventions:unmask')} AND {seen}")
    lock("reporters", f"{asked_for('reporters:read')} AND {through('leads', 'reporters.lead_id', 'lead_id')}")
    for table in ("interventions", "intervention_recorders", "intervention_reads", "reporters"):
        grant(table, writer="SELECT, INSERT", reader="SELECT")
