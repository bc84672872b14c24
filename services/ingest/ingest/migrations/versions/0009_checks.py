"""Which command carries out which remote check that was ordered."""

from alembic import op
from kit.migrate import grant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE check_commands (order_id uuid NOT NULL, command uuid NOT NULL, said_at timestamptz,"
        " CONSTRAINT pk_check_commands PRIMARY KEY (order_id))"
    )
    op.execute("CREATE INDEX ix_check_commands_unsaid ON check_commands (command) WHERE said_at IS NULL")
    grant("check_commands", writer="SELECT, INSERT, UPDATE", reader="SELECT")
