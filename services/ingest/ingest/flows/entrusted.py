"""Who may write about a site: the organisation it belongs to, or one that this organisation has entrusted.

Promises: an organisation enters records about no other site; entrusting is a contract or a relation that is
in force; a department shares the values of its own sites only. Leaves departments to
the policy, which knows their regions.
"""

from collections.abc import Collection, Iterable
from datetime import date

from kit.problems import Forbidden
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions

from ingest.tables import RegistryRecord, SiteRow

# A supplier delivers devices; it is not entrusted with monitoring.
_ENTRUSTING = ("agency", "operator", "monitoring", "operation")


def entrusted(first: date, last: date) -> Select[RegistryRecord]:
    """The contracts and relations that entrust somebody with monitoring or operation within [first, last]."""
    of = RegistryRecord
    purpose = or_(of.body["purpose"].astext.in_(_ENTRUSTING), of.body["relation"].astext.in_(_ENTRUSTING))
    return select(of).where(
        of.kind.in_(["contracts", "relations"]),
        purpose,
        or_(of.valid_from.is_(None), of.valid_from <= last),
        or_(of.valid_to.is_(None), of.valid_to >= first),
    )


async def require_entrusted(
    session: AsyncSession, sites: Collection[SiteRow], uscc: str | None, day: date
) -> None:
    """Whether an organisation may write about these sites on this day. Raises Forbidden."""
    foreign = [site for site in sites if uscc is None or site.uscc != uscc]
    if not foreign:
        return
    held = entrusted(day, day).where(RegistryRecord.counterpart == uscc)
    links = (await session.scalars(held)).all() if uscc else []
    for site in foreign:
        if not any(_covers(link, site) for link in links):
            detail = (
                f"{site.code} is not a site of {uscc}, and no contract or relation in force entrusts it: "
                "the department registers PUT /registry/units/contracts/{code} or "
                f"/registry/units/relations/{{code}} first "
                f"点位 {site.code} 不属于本单位，也无有效的委托合同或关系；请先由主管部门登记"
            )
            raise Forbidden("site-not-entrusted", detail, site=site.code)


def _covers(link: RegistryRecord, site: SiteRow) -> bool:
    named = link.body.get("sites") or [one for one in [link.body.get("site")] if one]
    if site.uscc is not None:
        return link.uscc == site.uscc and (not named or site.code in named)
    # A site of no organisation must be named, by a department that reaches it.
    return site.code in named and link.region is not None and regions.is_within(site.region, link.region)


def owned(sites: Iterable[SiteRow], dept: str | None, region: str | None) -> set[str]:
    """Those sites that a data set of this department for this region may hold: its own, in the region."""
    if dept is None or region is None:
        return set()
    return {one.code for one in sites if one.dept == dept and regions.is_within(one.region, region)}
