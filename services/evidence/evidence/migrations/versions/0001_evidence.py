"""The log: entries that nobody changes, a checkpoint that never gets smaller."""

from alembic import op

from kit.migrate import grant

revision = "evidence_0001"
down_revision = None

TABLES = (
    """CREATE TABLE entries (
        position bigint NOT NULL, entry bytea NOT NULL, subject text NOT NULL, ref text,
        requested_at timestamptz NOT NULL, CONSTRAINT pk_entries PRIMARY KEY (position))""",
    "CREATE UNIQUE INDEX ix_entries_entry ON entries (entry)",
    "ALTER TABLE entries ADD CONSTRAINT ck_entries_is_a_hash CHECK (length(entry) = 32)",
    """CREATE TABLE sequence (
        id smallint NOT NULL, entries bigint NOT NULL, CONSTRAINT pk_sequence PRIMARY KEY (id))""",
    """CREATE TABLE checkpoint (
        id smallint NOT NULL, size bigint NOT NULL, root bytea NOT NULL, note text NOT NULL,
        signed_at timestamptz NOT NULL, CONSTRAINT pk_checkpoint PRIMARY KEY (id))""",
    """CREATE TABLE witnessing (
        id smallint NOT NULL, missing_since timestamptz, lost_at timestamptz,
        CONSTRAINT pk_witnessing PRIMARY KEY (id))""",
    """CREATE TABLE refusals (
        witness text NOT NULL, kind text NOT NULL, size bigint NOT NULL, root bytea NOT NULL, witness_size bigint,
        refused_at timestamptz NOT NULL, CONSTRAINT pk_refusals PRIMARY KEY (witness, kind, size, root))""",
    "INSERT INTO sequence VALUES (1, 0)",
    "INSERT INTO checkpoint VALUES (1, 0, sha256(''), '', 'epoch')",
    "INSERT INTO witnessing VALUES (1, NULL, NULL)",
)

# A trigger, because a grant cannot tell a larger number from a smaller one.
NEVER_BACK = (
    """CREATE FUNCTION never_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
            RAISE EXCEPTION 'the log is at size %, a checkpoint of size % cannot follow', OLD.size, NEW.size
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER never_back BEFORE UPDATE ON checkpoint FOR EACH ROW EXECUTE FUNCTION never_back()",
    """CREATE FUNCTION never_fewer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.entries < OLD.entries THEN
            RAISE EXCEPTION 'there are % entries, not %', OLD.entries, NEW.entries
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER never_fewer BEFORE UPDATE ON sequence FOR EACH ROW EXECUTE FUNCTION never_fewer()",
)


def upgrade() -> None:
    for statement in (*TABLES, *NEVER_BACK):
        op.execute(statement)
    grant("entries", writer="SELECT, INSERT", reader="SELECT")
    grant("refusals", writer="SELECT, INSERT", reader="SELECT")
    for table in ("sequence", "checkpoint", "witnessing"):
        grant(table, writer="SELECT, UPDATE", reader="SELECT")
