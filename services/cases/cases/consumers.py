"""The bus door of `cases`: alarms and suspicions of qc, self-proof, silent outlets and findings of
ingest, witnesses, bans of credit.

Promises: one event, one flow, in the transaction of its cursor. Leaves order and repetition to the flows.
"""

from datetime import UTC, datetime

from contracts.credit import PersonBanLifted, PersonBanned
from contracts.envelope import Event
from contracts.evidence import WitnessRefused
from contracts.ingest import DeviceSilenced, FindingRaised
from contracts.qc import AlarmRaised, AlarmWithdrawn, SelfProofMoved, SuspicionRaised, SuspicionWithdrawn
from kit.lane import Handler
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from cases.flows import found, officers, proofs, signals, witnesses


async def on_alarm_raised(session: AsyncSession, event: AlarmRaised, meta: Meta) -> None:
    await signals.raise_alarm(session, event, datetime.now(UTC), meta.traces)


async def on_alarm_withdrawn(session: AsyncSession, event: AlarmWithdrawn, meta: Meta) -> None:
    await signals.withdraw_alarm(session, event, datetime.now(UTC))


async def on_suspicion_raised(session: AsyncSession, event: SuspicionRaised, meta: Meta) -> None:
    await signals.raise_suspicion(session, event, datetime.now(UTC), meta.traces)


async def on_suspicion_withdrawn(session: AsyncSession, event: SuspicionWithdrawn, meta: Meta) -> None:
    await signals.withdraw_suspicion(session, event, datetime.now(UTC))


async def on_witness_refused(session: AsyncSession, event: WitnessRefused, meta: Meta) -> None:
    await witnesses.raise_refusal(session, event, datetime.now(UTC), meta.traces)


async def on_device_silenced(session: AsyncSession, event: DeviceSilenced, meta: Meta) -> None:
    await signals.raise_silence(session, event, datetime.now(UTC), meta.traces)


async def on_finding_raised(session: AsyncSession, event: FindingRaised, meta: Meta) -> None:
    await found.raise_finding(session, event, datetime.now(UTC), meta.traces)


async def on_self_proof_moved(session: AsyncSession, event: SelfProofMoved, meta: Meta) -> None:
    await proofs.follow_self_proof(session, event, datetime.now(UTC), meta.traces)


async def on_person_banned(session: AsyncSession, event: PersonBanned, meta: Meta) -> None:
    await officers.know_ban(session, event)


async def on_person_ban_lifted(session: AsyncSession, event: PersonBanLifted, meta: Meta) -> None:
    await officers.know_ban_lifted(session, event)


CONSUMERS: list[tuple[type[Event], Handler]] = [
    (AlarmRaised, on_alarm_raised),
    (AlarmWithdrawn, on_alarm_withdrawn),
    (SuspicionRaised, on_suspicion_raised),
    (SuspicionWithdrawn, on_suspicion_withdrawn),
    (WitnessRefused, on_witness_refused),
    (DeviceSilenced, on_device_silenced),
    (FindingRaised, on_finding_raised),
    (SelfProofMoved, on_self_proof_moved),
    (PersonBanned, on_person_banned),
    (PersonBanLifted, on_person_ban_lifted),
]
