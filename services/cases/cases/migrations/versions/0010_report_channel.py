"""The way a report from the public came: web, WeChat, telephone, letter, visit."""

import sqlalchemy as sa
from alembic import op

revision = "cases_0010"
down_revision = "cases_0002"


def upgrade() -> None:
    op.add_column("leads", sa.Column("channel", sa.Text(), nullable=True))
    allowed = "channel IN ('web', 'wechat', 'phone', 'letter', 'visit')"
    op.create_check_constraint("ck_leads_channel", "leads", allowed)
