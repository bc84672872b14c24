"""The services with all their operations. Made by `make docs`: do not edit."""

from jianzhen_client.api.cases_cases import CasesCases
from jianzhen_client.api.cases_certificates import CasesCertificates
from jianzhen_client.api.cases_interventions import CasesInterventions
from jianzhen_client.api.cases_leads import CasesLeads
from jianzhen_client.api.cases_more import CasesMore
from jianzhen_client.api.cases_parked import CasesParked
from jianzhen_client.api.cases_special_case_teams import CasesSpecialCaseTeams
from jianzhen_client.api.credit_bans import CreditBans
from jianzhen_client.api.credit_credit import CreditCredit
from jianzhen_client.api.credit_more import CreditMore
from jianzhen_client.api.credit_parked import CreditParked
from jianzhen_client.api.evidence_log import EvidenceLog
from jianzhen_client.api.evidence_more import EvidenceMore
from jianzhen_client.api.evidence_parked import EvidenceParked
from jianzhen_client.api.gateway_audit import GatewayAudit
from jianzhen_client.api.gateway_grants import GatewayGrants
from jianzhen_client.api.gateway_more import GatewayMore
from jianzhen_client.api.ingest_commands import IngestCommands
from jianzhen_client.api.ingest_devices import IngestDevices
from jianzhen_client.api.ingest_evidence import IngestEvidence
from jianzhen_client.api.ingest_more import IngestMore
from jianzhen_client.api.ingest_parked import IngestParked
from jianzhen_client.api.ingest_registry import IngestRegistry
from jianzhen_client.api.ingest_registry_2 import IngestRegistry2
from jianzhen_client.api.ingest_registry_dispatch import IngestRegistryDispatch
from jianzhen_client.api.ingest_registry_emergency import IngestRegistryEmergency
from jianzhen_client.api.ingest_registry_files import IngestRegistryFiles
from jianzhen_client.api.ingest_registry_guarantee import IngestRegistryGuarantee
from jianzhen_client.api.ingest_registry_laboratory import IngestRegistryLaboratory
from jianzhen_client.api.ingest_registry_monitoring import IngestRegistryMonitoring
from jianzhen_client.api.ingest_registry_overview import IngestRegistryOverview
from jianzhen_client.api.ingest_registry_points import IngestRegistryPoints
from jianzhen_client.api.ingest_registry_sharing import IngestRegistrySharing
from jianzhen_client.api.ingest_registry_standards import IngestRegistryStandards
from jianzhen_client.api.ingest_registry_tasks import IngestRegistryTasks
from jianzhen_client.api.ingest_registry_units import IngestRegistryUnits
from jianzhen_client.api.ingest_registry_works import IngestRegistryWorks
from jianzhen_client.api.ingest_sensorthings import IngestSensorthings
from jianzhen_client.api.ingest_submissions import IngestSubmissions
from jianzhen_client.api.ingest_uplinks import IngestUplinks
from jianzhen_client.api.ingest_uploads import IngestUploads
from jianzhen_client.api.ingest_values import IngestValues
from jianzhen_client.api.publish_more import PublishMore
from jianzhen_client.api.publish_parked import PublishParked
from jianzhen_client.api.publish_public import PublishPublic
from jianzhen_client.api.publish_releases import PublishReleases
from jianzhen_client.api.qc_alarm_desk import QcAlarmDesk
from jianzhen_client.api.qc_alarm_desk_2 import QcAlarmDesk2
from jianzhen_client.api.qc_alarms_and_suspicions import QcAlarmsAndSuspicions
from jianzhen_client.api.qc_custody import QcCustody
from jianzhen_client.api.qc_day_closes_and_findings import QcDayClosesAndFindings
from jianzhen_client.api.qc_holds import QcHolds
from jianzhen_client.api.qc_more import QcMore
from jianzhen_client.api.qc_parked import QcParked
from jianzhen_client.api.qc_registers import QcRegisters
from jianzhen_client.api.qc_registers_agencies import QcRegistersAgencies
from jianzhen_client.api.qc_registers_capacity import QcRegistersCapacity
from jianzhen_client.api.qc_registers_metrology import QcRegistersMetrology
from jianzhen_client.api.qc_registers_proficiency import QcRegistersProficiency
from jianzhen_client.api.qc_remote_checks import QcRemoteChecks
from jianzhen_client.api.qc_self_proof import QcSelfProof
from jianzhen_client.api.qc_validity import QcValidity
from jianzhen_client.transport import Transport


class Ingest(
    IngestUploads,
    IngestSubmissions,
    IngestEvidence,
    IngestRegistry,
    IngestRegistry2,
    IngestDevices,
    IngestCommands,
    IngestValues,
    IngestSensorthings,
    IngestUplinks,
    IngestRegistryOverview,
    IngestRegistryUnits,
    IngestRegistryMonitoring,
    IngestRegistryPoints,
    IngestRegistryGuarantee,
    IngestRegistryWorks,
    IngestRegistryStandards,
    IngestRegistryLaboratory,
    IngestRegistryTasks,
    IngestRegistryEmergency,
    IngestRegistrySharing,
    IngestRegistryDispatch,
    IngestRegistryFiles,
    IngestParked,
    IngestMore,
):
    """All operations of the service `ingest`."""


class Qc(
    QcValidity,
    QcAlarmDesk,
    QcAlarmDesk2,
    QcAlarmsAndSuspicions,
    QcHolds,
    QcRemoteChecks,
    QcDayClosesAndFindings,
    QcRegisters,
    QcRegistersMetrology,
    QcRegistersProficiency,
    QcRegistersAgencies,
    QcRegistersCapacity,
    QcCustody,
    QcSelfProof,
    QcParked,
    QcMore,
):
    """All operations of the service `qc`."""


class Cases(
    CasesLeads,
    CasesCases,
    CasesCertificates,
    CasesInterventions,
    CasesSpecialCaseTeams,
    CasesParked,
    CasesMore,
):
    """All operations of the service `cases`."""


class Credit(CreditCredit, CreditBans, CreditParked, CreditMore):
    """All operations of the service `credit`."""


class Publish(PublishPublic, PublishReleases, PublishParked, PublishMore):
    """All operations of the service `publish`."""


class Evidence(EvidenceLog, EvidenceParked, EvidenceMore):
    """All operations of the service `evidence`."""


class Gateway(GatewayAudit, GatewayGrants, GatewayMore):
    """All operations of the service `gateway`."""


class Services:
    """One attribute for each service."""

    def __init__(self, transport: Transport) -> None:
        self.ingest = Ingest(transport)
        self.qc = Qc(transport)
        self.cases = Cases(transport)
        self.credit = Credit(transport)
        self.publish = Publish(transport)
        self.evidence = Evidence(transport)
        self.gateway = Gateway(transport)
