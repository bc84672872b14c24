"""The last lock on the audit: a reader sees all of it where its reach is everything, and no row of it otherwise.

The planner takes an equality in a policy for one row in 200, and would read and sort the whole table for a page
rather than walk its key; that something is not null it takes for true. What the lock keeps from an index stands in
functions that ask the same first and read as the owner: arrays are compared by functions that are not leakproof, so
behind row security their indexes are not used. docs/adr/0060.
"""

import sqlalchemy as sa
from alembic import op
from kit.migrate import lock
from policy.lock import condition

revision = "gateway_0006"
down_revision = "gateway_0005"

WHOLE = "(SELECT true WHERE current_setting('jianzhen.reach_all', true) = 'yes') IS NOT NULL"
DEFINER = "LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp"

# Ids of events whose request named this, and of those that passed under this cross-region grant.
NAMING = f"""
CREATE FUNCTION audit_naming(wanted text) RETURNS SETOF bigint {DEFINER} AS $$
    SELECT id FROM audit WHERE refs @> ARRAY[wanted] AND {condition()}
$$
"""
UNDER = f"""
CREATE FUNCTION audit_under(wanted text) RETURNS SETOF bigint {DEFINER} AS $$
    SELECT id FROM audit WHERE grants @> ARRAY[wanted] AND {condition()}
$$
"""

# What makes an event a look at somebody's data, in this order of words for the partial indexes, too.
LOOK = "kind IS NOT NULL AND status = 200 AND method IN ('GET', 'HEAD')"
# Not cardinality(): what equals the empty list is counted in the statistics.
LISTS = f"{LOOK} AND refs = '{{}}'"
OWN = "nullif(current_setting('jianzhen.reach_uscc', true), '')"
# Who else than the unit itself looked, since then, and is not withheld. Wrapped, for the planner takes what is
# compared with a list for rare and would sort a region's years for a page. Where no organisation was told the
# last comparison is unknown for every row: nothing is found.
TOLD = f"""nullif(a.at >= since AND a.id < before AND a.kind <> ALL (not_of)
     AND coalesce(a.dept, '') <> ALL (not_by) AND coalesce(a.uscc, '') <> {OWN}, false) IS NOT NULL"""
# Each branch is read newest first by an index of its own and ends at `most`; the second is sorted, but holds
# only what named the unit's stations and devices. What was asked under a grant lists the regions it lends.
LOOKS = f"""
CREATE FUNCTION audit_looks(
    held text[], lies_in text[], since timestamptz, before bigint, not_by text[], not_of text[], most integer
) RETURNS TABLE (
    id bigint, at timestamptz, dept text, region text, permission text, kind text, purpose text, names_you boolean
) {DEFINER} AS $$
WITH named AS MATERIALIZED (
    SELECT a.id FROM audit AS a WHERE a.refs && held AND {LOOK} AND {TOLD}
), found AS (
    (SELECT a.id, true AS names_you FROM audit AS a WHERE a.unit = {OWN} AND a.id < before AND {LOOK} AND {TOLD}
     ORDER BY a.id DESC LIMIT most)
    UNION ALL
    (SELECT named.id, true FROM named ORDER BY named.id DESC LIMIT most)
    UNION ALL
    SELECT listed.id, false FROM unnest(lies_in) AS here (code) CROSS JOIN LATERAL (
        SELECT a.id FROM audit AS a WHERE a.region = here.code AND a.id < before AND {LISTS} AND {TOLD}
        ORDER BY a.id DESC LIMIT most
    ) AS listed
    UNION ALL
    (SELECT a.id, false FROM audit AS a
     WHERE a.beyond IS NOT NULL AND a.beyond && lies_in AND a.id < before AND {LISTS} AND {TOLD}
     ORDER BY a.id DESC LIMIT most)
), newest AS (
    SELECT found.id, bool_or(found.names_you) AS names_you FROM found GROUP BY found.id
    ORDER BY found.id DESC LIMIT most
)
SELECT a.id, a.at, a.dept, a.region, a.permission, a.kind, a.purpose, newest.names_you
FROM newest JOIN audit AS a ON a.id = newest.id ORDER BY a.id DESC
$$
"""
SIGNATURES = (
    "audit_naming(text)",
    "audit_under(text)",
    "audit_looks(text[], text[], timestamptz, bigint, text[], text[], integer)",
)


def upgrade() -> None:
    # An audit of years is indexed in more than the five seconds that a migration's statement has.
    op.execute("SET LOCAL statement_timeout = '10min'")
    lock("audit", WHOLE)
    op.create_index("ix_audit_unit_id", "audit", ["unit", "id"], postgresql_where=sa.text(LOOK))
    op.create_index("ix_audit_region_id", "audit", ["region", "id"], postgresql_where=sa.text(LISTS))
    lent = sa.text(f"{LISTS} AND beyond IS NOT NULL")
    op.create_index("ix_audit_lent", "audit", ["id"], postgresql_where=lent)
    for statement in (NAMING, UNDER, LOOKS):
        op.execute(statement)
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f'GRANT EXECUTE ON FUNCTION {signature} TO "gateway_reader"')
