"""What a cross-region grant lends for the right of the route in hand is seen by the reader, too."""

from alembic import op

revision = "0013"
down_revision = "0012"

# A path holds its region and all above it, so whoever is lent one of them sees the row.
SEEN = """
CREATE OR REPLACE FUNCTION is_visible(path text[], owner text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('jianzhen.region', true) = ANY (path), false)
        OR coalesce(nullif(current_setting('jianzhen.uscc', true), '') = owner, false)
        OR coalesce(string_to_array(nullif(current_setting('jianzhen.reach_lent', true), ''), ',') && path, false)
        OR string_to_array(current_setting('jianzhen.roles', true), ',') && ARRAY['platform.service', 'platform.admin']
$$
"""


def upgrade() -> None:
    op.execute(SEEN)
