"""The state machine: which act leads from which state to which, who may do it, with what, after what.

Promises: acts are dated data (`machine.yaml`), judged by the law of the day of the act; who may not do an act
for what they did before is dated data of the policy (`separation`, 行政处罚法 Art. 57, 58, 64). A case whose
basis was withdrawn can only be annulled. The prior notice is demanded as a document of the decision (Art. 44,
62); left out of this slice: the five working days to ask for a hearing (Art. 64), the period to be heard,
service, payment and appeal are not clocked here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import policy

from cases.rules.dated import in_force, read
from cases.rules.refusal import Refusal


@dataclass(frozen=True)
class Act:
    """One legal act as data. `deepest_authority` is how far below the nation the acting authority may lie
    (2 = city); of an act as judged, `officers_checked` says against what its officers' certificates were.
    """

    act: str
    zh: str
    en: str
    from_states: tuple[str, ...]
    to: str
    role: str
    basis: str
    documents: tuple[str, ...] = ()
    documents_if_serious: tuple[str, ...] = ()
    officers: int = 0
    after: tuple[tuple[str, str], ...] = ()
    deadline: str | None = None
    deepest_authority: int | None = None
    is_allowed_without_basis: bool = False
    officers_checked: str | None = None


@dataclass(frozen=True)
class Step:
    """One entry of the history: what was done, by whom (token subject; `who` for people), when.

    `officers` are the certificate numbers of those who took part.
    """

    act: str
    actor: str
    at: datetime
    officers: tuple[str, ...] = ()
    who: str = ""


@dataclass(frozen=True)
class Proposal:
    """An act somebody wants to do. `officers` are certificate numbers, `documents` kinds.

    `certificate` is the doer's own number, by which those who took part in an earlier act are known again;
    `unfit` is what stands against those who take part in this one, `officers_checked` against what they were.
    """

    act: str
    state: str
    actor: str
    reason: str
    documents: Sequence[str] = ()
    officers: Sequence[str] = ()
    history: Sequence[Step] = field(default=())
    is_serious: bool = False
    is_basis_withdrawn: bool = False
    authority_depth: int = 2
    certificate: str | None = None
    unfit: Sequence[Refusal] = ()
    officers_checked: str | None = None


def act(name: str, on: date) -> Act | None:
    """The act as the law of the legal day `on` knows it, or None.

    Worked example: `act("decide", date(2026, 11, 21)).role` is `case.approver`.
    """
    for record in in_force(read("machine")["acts"], on):
        if record["act"] == name:
            return Act(
                act=name,
                zh=record["zh"],
                en=record["en"],
                from_states=tuple(record["from"]),
                to=record["to"],
                role=record["role"],
                basis=record["basis"],
                documents=tuple(record["documents"]),
                documents_if_serious=tuple(record.get("documents_if_serious", ())),
                officers=record.get("officers", 0),
                after=tuple(record.get("after", {}).items()),
                deadline=record.get("deadline"),
                deepest_authority=record.get("deepest_authority"),
                is_allowed_without_basis=record.get("is_allowed_without_basis", False),
            )
    return None


def acts_from(state: str, on: date, *, is_basis_withdrawn: bool = False) -> list[Act]:
    """The acts that can follow a state on a legal day, in legal order."""
    names = [record["act"] for record in in_force(read("machine")["acts"], on)]
    found = [found for name in names if (found := act(name, on)) is not None and state in found.from_states]
    return [one for one in found if one.is_allowed_without_basis or not is_basis_withdrawn]


def label(state: str) -> tuple[str, str]:
    """The name of a state in Chinese and English: `("已立案", "Filed")`."""
    names = read("machine")["states"][state]
    return names["zh"], names["en"]


def is_open(state: str) -> bool:
    """Whether something can still happen in this state: `is_open("DECIDED")` is true, `"ANNULLED"` is not."""
    return bool(read("machine")["states"][state]["is_open"])


def document_label(kind: str) -> tuple[str, str]:
    """The name of a document kind in Chinese and English; the kind itself if it is not a prescribed one."""
    names = read("machine")["documents"].get(kind)
    return (names["zh"], names["en"]) if names else (kind, kind)


def state_refusal(proposal: Proposal, on: date) -> Refusal | None:
    """Why the act cannot follow this state, or None. An unknown act is refused as well."""
    found = act(proposal.act, on)
    zh, en = label(proposal.state)
    if found is None or proposal.state not in found.from_states:
        can = acts_from(proposal.state, on, is_basis_withdrawn=proposal.is_basis_withdrawn)
        follow = "、".join(f"{one.zh} ({one.act})" for one in can) or "无 (none)"
        return Refusal(
            "state",
            found.basis if found else proposal.act,
            f"当前状态为“{zh}”，不能进行该步骤 · the state is “{en}”",
            f"可进行的步骤：{follow} · possible acts as listed",
        )
    if proposal.is_basis_withdrawn and not found.is_allowed_without_basis:
        return Refusal(
            "basis",
            "行政处罚法（2021修订）第40条：违法事实不清、证据不足的，不得给予行政处罚",
            "案件所依据的线索已撤回 · the suspicion behind this case was withdrawn",
            "由负责人撤销案件（annul） · the head of the organ annuls the case",
        )
    return None


def duty_refusals(proposal: Proposal, found: Act, on: date) -> list[Refusal]:
    """Separation of duties and order: whose earlier act bars this one, and what must be newer than what."""
    refusals = []
    if found.deepest_authority is not None and proposal.authority_depth > found.deepest_authority:
        refusals.append(
            Refusal(
                "authority",
                found.basis,
                "须由设区的市级以上部门认定 · only a city authority or above may do this",
                "报设区的市级部门办理 · hand it to the city authority",
            )
        )
    refusals += apart(proposal, on)
    for later, earlier in found.after:
        if not _is_newer(later, earlier, proposal.history):
            refusals.append(
                Refusal(
                    "order",
                    found.basis,
                    f"{later} 应在 {earlier} 之后 · the {later} must be dated after the last {earlier}",
                    f"重新进行 {later} · do the {later} again",
                )
            )
    return refusals


def apart(proposal: Proposal, on: date) -> list[Refusal]:
    """One refusal for each rule of the day that earlier acts of the same person run against.

    The same person is known by the subject of the token or by the number of the certificate.
    Worked example: the second officer of the filing, who logs in later as legal reviewer, may not review.
    """
    marks = {proposal.actor} | ({proposal.certificate} if proposal.certificate else set())
    history = [
        policy.Done(step.act, frozenset({step.actor, *step.officers}), step.who or step.actor, step.at)
        for step in proposal.history
    ]
    found = policy.load().separation.collisions("case", proposal.act, marks, history, on)
    mend = "由其他人员办理 · another person must do this"
    return [Refusal("actor", one.line.source, one.told, mend) for one in found]


def content_refusals(proposal: Proposal, found: Act) -> list[Refusal]:
    """Reasoning, officers and documents: what the act must carry (说理式执法: an empty reason is refused)."""
    refusals = []
    if not proposal.reason.strip():
        refusals.append(
            Refusal(
                "reason",
                f"说理（{found.basis}）",
                "理由为空 · no reasons given",
                "写明事实、理由和依据 · state facts, reasons and basis",
            )
        )
    certificates = {number.strip() for number in proposal.officers if number.strip()}
    if len(certificates) < found.officers:
        refusals.append(
            Refusal(
                "officers",
                "行政处罚法（2021修订）第42条：执法人员不得少于两人",
                f"只有 {len(certificates)} 名不同的执法人员 · {len(certificates)} distinct officer(s)",
                f"至少 {found.officers} 名，填写执法证号 · name {found.officers} with certificate numbers",
            )
        )
    needed = (*found.documents, *(found.documents_if_serious if proposal.is_serious else ()))
    for kind in [kind for kind in needed if kind not in proposal.documents]:
        zh, en = document_label(kind)
        refusals.append(
            Refusal(
                f"documents/{kind}",
                found.basis,
                f"缺少“{zh}” · {en} is missing",
                f"附上 kind={kind}、title、sha256 · add it with kind, title and sha256",
            )
        )
    return refusals


def refusals(proposal: Proposal, on: date) -> list[Refusal]:
    """Everything that stands against the act on the legal day `on`; empty if it may be done.

    Worked example: the officer who filed proposes `review` → one refusal with `where == "actor"`.
    """
    stopped = state_refusal(proposal, on)
    if stopped is not None:
        return [stopped]
    found = act(proposal.act, on)
    assert found is not None
    return [*duty_refusals(proposal, found, on), *content_refusals(proposal, found)]


def _is_newer(later: str, earlier: str, history: Iterable[Step]) -> bool:
    steps = list(history)
    last = max((index for index, step in enumerate(steps) if step.act == later), default=-1)
    before = max((index for index, step in enumerate(steps) if step.act == earlier), default=-1)
    return last > before and steps[last].at >= steps[max(before, 0)].at
