"""Whether who did something held a certificate for it on that day."""

from collections.abc import Sequence

from qc.rules.registers.judged import Context

FLAG = "person-uncertified"


def uncertified(
    persons: Sequence[str], factors: Sequence[str], context: Context
) -> dict[str, dict[str, object]]:
    """The flag, naming each person (code of kind `staff`) without a certificate valid that day and for these
    factors; nothing if all hold one.

    Source: 检验检测机构资质认定 生态环境监测机构评审补充要求; 商洛 三(四) 持证上岗. Worked example: a
    certificate to 2026-03-31 does not cover work on 2026-04-01.
    """
    known = {one.code: one.body for one in context.beside.get("staff", ())}
    wrong: list[dict[str, object]] = []
    for person in persons:
        held = known.get(person)
        if held is None:
            wrong.append({"person": person, "why": "unknown"})
        elif (
            held["certificate_to"] < context.day.isoformat()
            or held["certificate_from"] > context.day.isoformat()
        ):
            wrong.append(
                {"person": person, "why": "not-valid-that-day", "certificate_to": held["certificate_to"]}
            )
        elif missing := sorted(set(factors) - set(held.get("factors", []))) if held.get("factors") else []:
            wrong.append({"person": person, "why": "factor-not-certified", "factors": missing})
    return {FLAG: {"persons": wrong}} if wrong else {}
