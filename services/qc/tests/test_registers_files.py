"""Registers as files: all of a file or nothing of it, each row answered, sent again without harm."""

import io
from typing import Any

import httpx
import openpyxl
import pytest
from kit import sheets
from qc_scene import Lane
from registers_scene import CLERK, Desk
from sqlalchemy import text

PATH = "/registers/agencies/staff"
HEADER = "code,region,name,number,post,certificate_no,certificate_from,certificate_to,factors"
ROWS = [
    f"P{at}-a,131000,采样员{at},P{at},analyst,Z-{at},2026-01-01,2027-12-31,w21003;w20120"
    for at in range(1, 4)
]
CSV = "text/csv"


async def send(desk: Desk, body: bytes | str, media: str = CSV, status: int = 200, **more: Any) -> Any:
    """`more` are query parameters and the key."""
    key = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    raw = body.encode() if isinstance(body, str) else body
    who, path = more.pop("who", CLERK), more.pop("path", PATH)
    headers = {"Content-Type": media, **key, **desk.tokens.bearer(who)}
    answer = await desk.client.post(path, content=raw, headers=headers, params=more)
    assert answer.status_code == status, answer.text
    return answer.json()


def file(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, "# 编码", *rows]) + "\n"


def workbook(*rows: str) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for line in (HEADER, *rows):
        book.worksheets[0].append(line.split(","))
    book.save(out)
    return out.getvalue()


async def codes(desk: Desk) -> list[str]:
    answer = await desk.client.get(PATH, headers=desk.tokens.bearer(CLERK))
    return [row["code"] for row in answer.json()["items"]]


async def test_a_file_is_entered_and_again_changes_nothing(desk: Desk, lane: Lane) -> None:
    told = await send(desk, file(*ROWS))
    assert (told["entered"], told["unchanged"], told["validated_only"]) == (3, 0, False)
    assert told["rows"][0] == {"row": 0, "code": "P1-a", "outcome": "entered"}
    assert await codes(desk) == ["P1-a", "P2-a", "P3-a"]
    for again in (await send(desk, file(*ROWS)), await send(desk, workbook(*ROWS), sheets.XLSX)):
        assert (again["entered"], again["unchanged"]) == (0, 3)
    one = [dict(zip(HEADER.split(","), ROWS[0].split(","), strict=True))]
    json = httpx.Request("POST", "http://x", json={"rows": one}).content
    assert (await send(desk, json, "application/json"))["unchanged"] == 1
    async with lane.database.writer() as session:
        assert await session.scalar(text("SELECT count(*) FROM register_changes WHERE kind = 'staff'")) == 3


async def test_a_wrong_row_leaves_everything_as_it_was_and_names_each_flaw(desk: Desk) -> None:
    bad = "P9-a,131000,甲,P9,analyst,Z-9,2026-13-01,2027-12-31,w21003"
    elsewhere = ROWS[2].replace("131000", "110000").replace("P3", "P8")
    told = await send(desk, file(ROWS[0], bad, ROWS[0], elsewhere), status=422)
    assert [(one["row"], one["where"]) for one in told["errors"]] == [
        (1, "row 1: certificate_from"), (2, "row 2: code"), (3, "row 3"),
    ]  # fmt: skip
    assert [one["rule"] for one in told["errors"]] == ["date", "repeated", "out-of-scope"]
    assert all("row" in one["where"] and one["mend"] for one in told["errors"])
    assert await codes(desk) == []


async def test_a_dry_run_says_what_would_be_and_keeps_nothing(desk: Desk) -> None:
    told = await send(desk, file(*ROWS), validate="only", key="k-00000001")
    assert (told["entered"], told["validated_only"]) == (3, True)
    assert await codes(desk) == []
    assert (await send(desk, file(*ROWS), key="k-00000001"))["entered"] == 3


async def test_the_same_key_gets_the_same_answer_and_no_other_file(desk: Desk) -> None:
    first = await send(desk, file(*ROWS), key="k-00000002")
    assert await send(desk, file(*ROWS), key="k-00000002") == first
    told = await send(desk, file(ROWS[0]), key="k-00000002", status=422)
    assert told["type"] == "/problems/idempotency-key-reused"


async def test_an_export_is_read_back_and_its_version_says_what_was_edited(desk: Desk) -> None:
    await send(desk, file(*ROWS))
    query = {"format": "csv"}
    exported = (await desk.client.get(PATH, headers=desk.tokens.bearer(CLERK), params=query)).text
    assert (await send(desk, exported))["unchanged"] == 3
    edited = exported.replace("采样员2", "采样员二")
    told = await send(desk, edited)
    assert [row["outcome"] for row in told["rows"]] == ["unchanged", "entered", "unchanged"]
    stale = await send(desk, exported.replace("采样员2", "采样员贰"), status=422)
    assert stale["errors"][0]["rule"] == "changed-meanwhile"


@pytest.mark.parametrize(
    ("body", "media", "slug"),
    [
        ("", CSV, "file-unreadable"),
        (b"\xff\xfe\x00", CSV, "file-unreadable"),
        (b"PK\x03\x04", sheets.XLSX, "file-unreadable"),
        ("[1]", "application/json", "file-unreadable"),
        ("{", "application/json", "file-unreadable"),
        ("[" * 100_000, "application/json", "file-unreadable"),
        ("x", "text/plain", "file-unreadable"),
        (file("P1-a,x", header="code,shoe"), CSV, "file-not-acceptable"),
    ],
)
async def test_what_is_no_file_of_this_register_is_refused(
    desk: Desk, body: bytes | str, media: str, slug: str
) -> None:
    assert (await send(desk, body, media, 422))["type"] == f"/problems/{slug}"


async def test_every_book_takes_files_from_those_who_may_write_it(desk: Desk) -> None:
    await send(desk, file(*ROWS), who="ee.mon/data.read@131000", status=403)
    await send(desk, file(*ROWS), path="/registers/metrology/staff", status=404)
    for kind in ("metrology/instruments", "proficiency/same-points", "agencies/agencies"):
        told = await send(desk, file(header="code"), path=f"/registers/{kind}")
        assert (told["entered"], told["rows"]) == (0, [])
