"""专案组: who of other departments sees one case for a time, and what row security shows them of it."""

from alembic import context, op
from kit.migrate import grant, lock
from policy.lock import condition

revision = "cases_0015"
down_revision = "cases_0014"

TABLE = """
CREATE TABLE case_team (
    member_id uuid NOT NULL, case_id uuid NOT NULL, lead_id uuid NOT NULL, region text NOT NULL, subject text NOT NULL,
    dept text NOT NULL, reason text NOT NULL, named_by text NOT NULL, from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL, ended_at timestamptz, ended_by text, ended_reason text,
    CONSTRAINT pk_case_team PRIMARY KEY (member_id),
    CONSTRAINT fk_case_team_case_id_cases FOREIGN KEY (case_id) REFERENCES cases (case_id),
    CONSTRAINT fk_case_team_lead_id_leads FOREIGN KEY (lead_id) REFERENCES leads (lead_id));
CREATE INDEX ix_case_team_case_id ON case_team (case_id);
CREATE INDEX ix_case_team_subject_until_at ON case_team (subject, until_at);
"""
# Asked once a statement: the cases (their leads) of the teams that the asker is on now.
MINE = """{key} = ANY (ARRAY(SELECT mine.{key} FROM case_team AS mine
    WHERE mine.subject = (SELECT nullif(current_setting('jianzhen.reach_team', true), ''))
    AND mine.ended_at IS NULL AND mine.from_at <= now() AND now() < mine.until_at))"""


def upgrade() -> None:
    for statement in filter(str.strip, TABLE.split(";")):
        op.execute(statement)
    lock("case_team", condition(region="region", team="ARRAY[subject]"))
    grant("case_team", writer="SELECT, INSERT, UPDATE (ended_at, ended_by, ended_reason)", reader="SELECT")
    reader = f"{context.config.attributes['service']}_reader"
    for table, key in (("cases", "case_id"), ("leads", "lead_id")):
        op.execute(
            f'CREATE POLICY {table}_of_my_team ON {table} FOR SELECT TO "{reader}" USING ({MINE.format(key=key)})'
        )
