"""Asking something of a device: by a person, by the greeting, by the pull-back of missing data.

Promises: what a device is asked was checked against the standard, is audited with who and why, and is asked
once for one Idempotency-Key; a secret is kept apart. Leaves sending to `conversation`.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import policy
from kit.db import Database
from kit.problems import Conflict, Fault, Invalid, NotFound
from policy import Done
from uuid_utils.compat import uuid7

from ingest.queries import answers, commands
from ingest.rules.commands import Command, catalogue, check, is_secret
from ingest.rules.exchange import ENDED
from ingest.rules.registry import Device, Manners, Registry
from ingest.rules.terms import Terms, terms_on
from ingest.rules.times import CHINA

_HIDDEN = "******"
RECORD, REQUEST, APPROVE = "commands", "request", "approve"


class Wanted(msgspec.Struct, frozen=True):
    """A command to be made. `origin` is person, greeting, calibration or pull-back."""

    command: Command
    parameters: Mapping[str, str]
    reason: str
    who: str
    origin: str = "person"
    gap: UUID | None = None


def terms_now() -> Terms:
    return terms_on(datetime.now(CHINA).date())


def checked(name: str, given: Mapping[str, object]) -> tuple[Command, dict[str, str]]:
    """The command and its parameters as text. Raises Invalid with every fault."""
    command = catalogue().get(name)
    if command is None:
        known = ", ".join(catalogue())
        raise Invalid("unknown-command", f"No host command {name[:40]!r} 无此命令; one of {known}")
    parameters, wrong = check(command, given, datetime.now(CHINA).date())
    if wrong:
        faults = [
            Fault(where=f"parameters/{one.where}", rule=one.rule, what=one.what, mend=one.mend)
            for one in wrong
        ]
        detail = f"{command.en} {command.zh}: the parameters are not acceptable 参数不可接受"
        raise Invalid("command-parameters", detail, errors=faults)
    return command, parameters


async def make(connection: asyncpg.Connection, registry: Registry, device: Device, wanted: Wanted) -> UUID:
    """Write the command down; it is sent as soon as an instance has the device on a connection."""
    site, terms = registry.sites[device.site], terms_now()
    manners = registry.manners.get(device.mn, Manners())
    secrets = {name: value for name, value in wanted.parameters.items() if is_secret(name)}
    shown = dict(wanted.parameters) | dict.fromkeys(secrets, _HIDDEN)
    known, command = uuid7(), wanted.command
    cells = (
        known, device.mn, site.code, site.region, list(site.region_path), site.dept, site.uscc, wanted.origin,
        command.name, command.cn, _json(shown), wanted.reason, wanted.who, command.approval,
        manners.answer_seconds or terms.answer_seconds,
        terms.resends if manners.resends is None else manners.resends, terms.execution_seconds, wanted.gap,
        float(terms.waiting_seconds),
    )  # fmt: skip
    await commands.add(connection, cells, next(iter(secrets.values()), None))
    await commands.note(
        connection, [(known, "requested", _json({"by": wanted.who, "reason": wanted.reason}))]
    )
    return known


async def request(
    database: Database, registry: Registry, device: Device, wanted: Wanted, key: str | None
) -> UUID:
    """A person asks. The same key with the same wish gives the same command; with another one, Invalid."""
    body = msgspec.json.encode([device.mn, wanted.command.name, dict(wanted.parameters), wanted.reason])
    digest = hashlib.sha256(body).digest()
    sender = f"command {wanted.who}"
    async with database.telemetry() as connection:
        if key is not None:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))", sender, key)
            known = await answers.find(connection, sender, key)
            if known is not None:
                if known[0] != digest:
                    detail = "This Idempotency-Key was used for another command 幂等键已用于其他内容"
                    raise Invalid("idempotency-key-reused", detail)
                return UUID(known[1].decode())
        made = await make(connection, registry, device, wanted)
        if key is not None:
            await answers.remember(connection, sender, key, digest, str(made).encode(), datetime.now(UTC))
    return made


async def approve(database: Database, command: UUID, who: str, reason: str) -> None:
    """A second person agrees. Raises Conflict for the one who asked, and once it is decided."""
    async with database.telemetry() as connection:
        row = await _locked(connection, command)
        if not row["needs_approval"]:
            raise Conflict("no-approval-needed", "This command needs no second person 此命令无需审批")
        _require_another(row, who)
        if row["state"] != "requested":
            raise Conflict("already-decided", f"The command is {row['state']} 命令已处理")
        if row["approved_by"] is None:
            await connection.execute("UPDATE commands SET approved_by = $2 WHERE id = $1", command, who)
            await commands.note(connection, [(command, "approved", _json({"by": who, "reason": reason}))])


def _require_another(row: Any, who: str) -> None:
    """Raises Conflict where the policy bars whoever asked, under whatever role, from approving."""
    text, _, subject = row["requested_by"].rpartition(" ")
    asked = Done(REQUEST, frozenset({subject}), text, row["requested_at"])
    marks, today = {who.rpartition(" ")[2]}, datetime.now(CHINA).date()
    found = policy.load().separation.collisions(RECORD, APPROVE, marks, [asked], today)
    if found:
        mend = "由其他人员审批 · another person must approve"
        faults = [Fault(where=APPROVE, rule=one.line.source, what=one.told, mend=mend) for one in found]
        raise Conflict("same-person", found[0].told, errors=faults)


async def cancel(database: Database, command: UUID, who: str, reason: str) -> None:
    """Ends a command: what was sent cannot be taken back, its answers are only noted then.

    A password change that may have reached the device cannot be cancelled: Conflict. Twice changes nothing.
    """
    async with database.telemetry() as connection:
        row = await _locked(connection, command)
        if row["state"] == "cancelled":
            return
        if row["state"] in ENDED:
            raise Conflict("already-ended", f"The command is {row['state']} 命令已结束")
        if row["name"] == "set-password" and row["qn"] is not None:
            detail = "The device may already use the new password 设备可能已启用新密码，不能撤销"
            raise Conflict("already-sent", detail)
        await connection.execute(
            "UPDATE commands SET state = 'cancelled', ended_at = now() WHERE id = $1", command
        )
        await commands.drop_secrets(connection, [command])
        why = {"by": who, "reason": reason, "was": row["state"]}
        await commands.note(connection, [(command, "cancelled", _json(why))])


async def _locked(connection: asyncpg.Connection, command: UUID) -> Any:
    row = await connection.fetchrow("SELECT * FROM commands WHERE id = $1 FOR UPDATE", command)
    if row is None:
        raise NotFound("unknown-command", "No such command 无此命令")
    return row


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
