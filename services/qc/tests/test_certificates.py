"""Certificates of posts are checked at each signature of the chain of custody, over HTTP."""

import pytest
from lab_scene import CERTIFICATES, SIGNING, Lab, refusals
from qc.queries.custody import certificates_of
from qc.tables.custody import ManualResult
from qc_scene import Lane
from registers_scene import Desk
from sqlalchemy import text

POSTS = {"analyst": "analyst", "checker": "reviewer", "reviewer": "reviewer", "signatory": "signatory"}


@pytest.fixture
async def lab(client, tokens) -> Lab:
    made = Lab(client, tokens)
    await made.staff()
    return made


async def change(lab: Lab, number: str, of: str, /, **cells: object) -> None:
    """The certificate as it stands is replaced."""
    path = f"/registers/agencies/staff/{number}-{of}"
    stands = await lab.client.get(path, headers=lab.headers("agency/data.submit@131000"))
    await lab.certify(number, of, version=stands.headers["etag"], **cells)


@pytest.mark.parametrize("post", list(SIGNING))
async def test_SLm_09_an_expired_certificate_refuses_the_signature_of_every_post(lab: Lab, post: str):
    result = await lab.made()
    for before in list(SIGNING)[: list(SIGNING).index(post)]:
        assert (await lab.sign(result, before)).status_code == 201
    number, of = SIGNING[post], POSTS[post]
    await change(lab, number, of, certificate_to="2026-10-31")
    refused = await lab.sign(result, post)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/signature-refused")
    (fault,) = refused.json()["errors"]
    assert "持证上岗" in fault["rule"] and "评审补充要求" in fault["rule"]
    assert f"staff/{number}-{of}" in fault["what"] and "2026-10-31" in fault["what"]
    assert "无有效上岗证" in fault["what"] and "valid from" in fault["what"] and "renew" in fault["mend"]
    await change(lab, number, of, certificate_to="2028-10-31")
    assert (await lab.sign(result, post)).status_code == 201


async def test_SLm_09_without_a_certificate_nobody_signs_and_that_of_another_post_is_none(
    lab: Lab, lane: Lane
):
    result = await lab.made()
    assert ("P6", "signatory") in CERTIFICATES
    for post in ("analyst", "checker", "reviewer"):
        await lab.sign(result, post)
    await change(lab, "P6", "signatory", post="sampler")
    refused = await lab.sign(result, "signatory")
    assert refused.status_code == 403 and "no certificate of signatory" in refused.json()["detail"]
    # Nor is the certificate of a namesake elsewhere one of theirs.
    async with lane.database.writer() as session:
        await session.execute(
            text("UPDATE register_records SET uscc = '91131000MA0000009X' WHERE code = 'P6-signatory'")
        )
    await lab.certify("P1", "signatory")
    assert (await lab.sign(result, "signatory")).status_code == 403


async def test_SLm_09_a_certificate_counts_for_its_factors(lab: Lab):
    result = await lab.made()
    await change(lab, "P3", "analyst", factors=["w21003"])
    refused = await lab.sign(result, "analyst")
    assert refused.status_code == 403 and "not for w20120" in refused.json()["detail"]
    assert refusals(refused)[0].startswith("检验检测机构资质认定")
    await change(lab, "P3", "analyst", factors=["w21003", "w20120"])
    assert (await lab.sign(result, "analyst")).status_code == 201


async def test_SLm_09_the_staff_of_a_department_are_those_of_its_own_region(desk: Desk, lane: Lane):
    """Two stations of one department number their people alike; neither signs with the other's paper."""
    body = {
        "name": "采样员甲", "number": "P1", "post": "analyst", "certificate_no": "Z-1",
        "certificate_from": "2026-01-01", "certificate_to": "2027-12-31",
    }  # fmt: skip
    for region in ("131000", "131002"):
        who = f"ee.mon/data.submit@{region}"
        await desk.put(who, f"agencies/staff/P1-{region}", body | {"region": region})
    found = {}
    async with lane.database.reader() as session:
        for region in ("131000", "131002", "131003"):
            made = ManualResult(institution=f"ee.mon@{region}", owner_dept="ee.mon", uscc=None)
            found[region] = [one.code for one in await certificates_of(session, made, "P1")]
    assert found == {"131000": ["P1-131000"], "131002": ["P1-131002"], "131003": []}
