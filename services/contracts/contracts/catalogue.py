"""Who says what to whom: the one list from which AsyncAPI, NATS accounts, streams and docs are made."""

from dataclasses import dataclass

from contracts import cases, credit, evidence, gateway, ingest, publish, qc
from contracts.envelope import Event, event_name, event_type


@dataclass(frozen=True)
class Entry:
    """One event class, with the services that consume it (the producer is the class's own)."""

    event: type[Event]
    consumers: tuple[str, ...]

    @property
    def producer(self) -> str:
        return self.event.PRODUCER

    @property
    def name(self) -> str:
        return event_name(self.event)

    @property
    def type(self) -> str:
        return event_type(self.event)

    @property
    def lanes(self) -> list[str]:
        return [f"{n:02d}" for n in range(self.event.LANES)]


CATALOGUE: tuple[Entry, ...] = (
    Entry(ingest.Recorded, ("qc",)),
    Entry(ingest.Revised, ("qc",)),
    Entry(ingest.SiteRegistered, ("qc", "publish")),
    Entry(ingest.DeviceSilenced, ("cases",)),
    Entry(ingest.DeviceResumed, ()),
    Entry(ingest.GapNoticed, ()),
    Entry(ingest.GapFilled, ()),
    Entry(ingest.LatenessNoticed, ("qc",)),
    Entry(ingest.LeafRequested, ("evidence",)),
    Entry(ingest.ReconciliationFailed, ()),
    Entry(ingest.RegistryChanged, ("qc",)),
    Entry(ingest.FindingRaised, ("cases",)),
    Entry(ingest.CheckEnded, ("qc",)),
    Entry(qc.Assessed, ("publish",)),
    Entry(qc.AlarmRaised, ("cases",)),
    Entry(qc.AlarmWithdrawn, ("cases",)),
    Entry(qc.DeskStepTaken, ()),
    Entry(qc.HoldPlaced, ("publish",)),
    Entry(qc.HoldDecided, ("publish",)),
    Entry(qc.CheckOrdered, ("ingest",)),
    Entry(qc.SuspicionRaised, ("cases",)),
    Entry(qc.SuspicionWithdrawn, ("cases",)),
    Entry(qc.RegisterFindingRaised, ()),
    Entry(qc.OperatorScored, ("credit",)),
    Entry(qc.SelfProofMoved, ("cases",)),
    Entry(cases.LeadOpened, ()),
    Entry(cases.LeadClosed, ()),
    Entry(cases.CaseFiled, ()),
    Entry(cases.FraudConfirmed, ("publish",)),
    Entry(cases.PenaltyDecided, ("credit",)),
    Entry(cases.BasisWithdrawn, ("credit", "publish")),
    Entry(cases.CaseAnnulled, ("credit", "publish")),
    Entry(cases.LeafRequested, ("evidence",)),
    Entry(credit.Listed, ("qc", "publish")),
    Entry(credit.ListingSuspended, ("qc", "publish")),
    Entry(credit.ListingRemoved, ("qc", "publish")),
    Entry(credit.PersonBanned, ("qc", "cases")),
    Entry(credit.PersonBanLifted, ("qc", "cases")),
    Entry(publish.ReleasePublished, ()),
    Entry(publish.ReleaseCorrected, ()),
    Entry(publish.LeafRequested, ("evidence",)),
    Entry(gateway.LeafRequested, ("evidence",)),
    Entry(gateway.RegionGrantGiven, ()),
    Entry(gateway.RegionGrantEnded, ()),
    Entry(evidence.WitnessRefused, ("cases",)),
    Entry(evidence.QuorumLost, ("qc", "publish")),
    Entry(evidence.QuorumRegained, ("qc", "publish")),
)

PRODUCERS: tuple[str, ...] = tuple(dict.fromkeys(entry.producer for entry in CATALOGUE))


def consumed_by(service: str) -> list[Entry]:
    """The events one service listens to, in catalogue order."""
    return [entry for entry in CATALOGUE if service in entry.consumers]
