"""Where every site stood, from when: read from the registry's own history."""

from alembic import op
from kit.migrate import grant

revision = "0012"
down_revision = "0010"

MOVED = (
    "kind = 'sites' AND (before ->> 'longitude', before ->> 'latitude')"
    " IS DISTINCT FROM (after ->> 'longitude', after ->> 'latitude')"
)
# A change that takes a position away ends the one before and is no place itself.
PLACES = f"""
CREATE VIEW site_places AS
SELECT id AS change, code AS site, changed_at AS since,
       (after ->> 'longitude')::float8 AS longitude, (after ->> 'latitude')::float8 AS latitude,
       NOT EXISTS (
           SELECT FROM (SELECT id FROM registry_changes l WHERE l.code = c.code AND {MOVED}) AS later
           WHERE later.id > c.id
       ) AS is_current
FROM registry_changes c
WHERE {MOVED} AND after ->> 'longitude' IS NOT NULL AND after ->> 'latitude' IS NOT NULL
"""  # noqa: S608


def upgrade() -> None:
    op.execute(f"CREATE INDEX ix_registry_changes_moves ON registry_changes (id) WHERE {MOVED}")
    op.execute(f"CREATE INDEX ix_registry_changes_moves_of ON registry_changes (code, id) WHERE {MOVED}")
    op.execute(PLACES)
    grant("site_places", reader="SELECT")
