"""May this request pass? Route, token, rate, permission, in this order; deny by default.

Promises: a route that the policy does not name does not exist (404); an answer is remembered for at most 15 s
by (token, route, policy version); every refusal, every write that passes and every read on record is noted,
and what must be certain is stored before it passes; what passes under a cross-region grant is noted with its
number. Leaves rows to the services, which verify the token and
ask the policy again; leaves to the policy what is on record and what needs a purpose.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from math import ceil
from uuid import UUID

import uuid_utils
from kit.auth import Verifier, refuse
from kit.problems import Forbidden, Invalid, NotFound, Problem, TooMany, Unauthorized, Unavailable
from policy import ANONYMOUS, Decision, Policy, Principal, RegionGrant, Route

from gateway.flows.ledger import DECISIONS, Entry, Ledger
from gateway.rules.days import day_of
from gateway.rules.edge import Bucket, Limit, Named, forwarded, named, storable, take
from gateway.rules.purposes import NoPurpose, case_of, purpose_of

REMEMBERED_SECONDS = 15.0
LARGEST_MEMORY = 50_000
LONGEST_PATH = 512
LONGEST_QUERY = 4096
READING = {"GET", "HEAD"}


@dataclass(frozen=True)
class Call:
    """A request as the edge describes it; `address` is who it is counted on while nobody is known.

    `purpose` and `case` are what the caller says it is for, `trace` the trace id (32 hex digits).
    """

    method: str
    uri: str
    authorizations: tuple[str, ...]
    address: str
    purpose: str | None = None
    case: str | None = None
    trace: str | None = None


@dataclass(frozen=True)
class Limits:
    client: Limit
    anonymous: Limit


@dataclass
class _Case:
    """One call under consideration."""

    call: Call
    request_id: UUID
    service: str
    path: str
    route: Route | None
    principal: Principal = ANONYMOUS
    kind: str | None = None
    purpose: str | None = None
    is_own: bool = False
    beyond: tuple[RegionGrant, ...] = ()

    @cached_property
    def named(self) -> Named:
        template = self.route.path if self.route else ""
        return named(template, self.path, self.call.uri.partition("?")[2][:LONGEST_QUERY])


class Gate:
    """One authorizer process. `clock` gives unix seconds, `ticks` seconds that never run backwards."""

    def __init__(
        self,
        policy: Policy,
        verifier: Verifier,
        limits: Limits,
        ledger: Ledger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy, self._verifier, self._limits = policy, verifier, limits
        self._ledger, self._clock, self._ticks = ledger, clock, time.monotonic
        self._begins = date.fromisoformat(policy.valid_from)
        self._known: dict[tuple[bytes, Route, str], tuple[Principal, Decision, float]] = {}
        self._buckets: dict[str, Bucket] = {}

    async def ask(self, call: Call) -> dict[str, str]:
        """The headers a call that passes goes on with, or the Problem its caller is told.

        Raises Unauthorized, Forbidden, NotFound, TooMany, or Unavailable while keys or audit are away.
        """
        case = self._case(call)
        try:
            headers = await self._pass(case)
        except Problem as problem:
            self._note_refusal(case, problem)
            raise
        DECISIONS.labels(case.service, 200).inc()
        return headers

    def _case(self, call: Call) -> _Case:
        service, path = forwarded(call.uri) or ("-", call.uri.partition("?")[0])
        route = self._policy.route(service, call.method, path)
        if route is None or not route.through_edge:
            return _Case(call, UUID(bytes=uuid_utils.uuid7().bytes), "-", path, None)
        return _Case(call, UUID(bytes=uuid_utils.uuid7().bytes), service, path, route)

    async def _pass(self, case: _Case) -> dict[str, str]:
        route = case.route
        if route is None or route.permission is None:
            self._count(f"address {case.call.address}", self._limits.anonymous)
            raise NotFound(
                "route-unknown", f"No route {case.call.method} {case.path[:LONGEST_PATH]} 无此接口"
            )
        digest = hashlib.sha256("\n".join(case.call.authorizations).encode()).digest()
        key = (digest, route, self._policy.version)
        known = self._known.get(key)
        if known is not None and known[2] > self._clock():
            case.principal, decision, _ = known
            headers = self._count_on(case)
        else:
            case.principal = await self._identify(case.call)
            headers = self._count_on(case)
            decision = self._decide(route.permission, case.principal)
            self._remember(key, case.principal, decision)
        # Never remembered: a certificate ends with a day, a cross-region grant at its second.
        decision = self._verifier.holding(self._policy, route.permission, case.principal, decision)
        case.beyond = decision.beyond
        await self._record(case, route.permission, decision)
        return headers | {"X-Request-Id": str(case.request_id)}

    async def _record(self, case: _Case, permission: str, decision: Decision) -> None:
        """Stores what must be on record. Raises Invalid without a purpose, Unavailable without a store."""
        records, day = self._policy.records, self._day()
        is_write = case.call.method not in READING
        case.kind = records.kind(permission, day)
        case.is_own = decision.scopes <= {"own"}
        if not (is_write or case.kind or case.beyond):
            return
        if not case.is_own and records.needs_purpose(permission, day):
            try:
                case.purpose = purpose_of(records.purposes, case.call.purpose, self._case_id(case))
            except NoPurpose as missing:
                raise Invalid(missing.slug, str(missing)) from None
        elif case.call.purpose in records.purposes:
            case.purpose = case.call.purpose
        entry = self._entry(case, 200, "granted")
        if records.is_gathered(permission, day) if is_write else case.is_own:
            self._ledger.allow(entry)
        else:
            await self._ledger.certain(entry)

    def _day(self) -> date:
        """A legal day is a day in China; never one before the policy, whatever the clock says."""
        return max(day_of(datetime.fromtimestamp(self._clock(), UTC)), self._begins)

    def _case_id(self, case: _Case) -> str | None:
        of_path = case.route is not None and case.route.path.startswith("/cases/{id}")
        return case.named.value("id") if of_path else case_of(case.call.case)

    async def _identify(self, call: Call) -> Principal:
        try:
            if len(call.authorizations) > 1:
                raise refuse("token-malformed")
            return await self._verifier.principal(call.authorizations[0] if call.authorizations else None)
        except Unauthorized:
            self._count(f"address {call.address}", self._limits.anonymous)
            raise

    def _decide(self, permission: str, principal: Principal) -> Decision:
        decision = self._policy.decide(permission, principal)
        if decision.allowed:
            return decision
        if principal.is_anonymous:
            raise refuse("token-missing")
        detail = f"{principal.text} does not hold {permission} 无此权限"
        raise Forbidden("not-permitted", detail, permission=permission, reason=decision.reason)

    def _remember(self, key: tuple[bytes, Route, str], principal: Principal, decision: Decision) -> None:
        if len(self._known) >= LARGEST_MEMORY:
            self._known.clear()
        until = self._clock() + REMEMBERED_SECONDS
        until = until if principal.is_anonymous else min(until, principal.expires_at)
        self._known[key] = principal, decision, until

    def forget(self) -> None:
        """Everybody is looked at again: who may pass has changed."""
        self._known.clear()

    def _count_on(self, case: _Case) -> dict[str, str]:
        who = case.principal
        if who.is_anonymous:
            return self._count(f"address {case.call.address}", self._limits.anonymous)
        return self._count(f"client {who.client} {who.subject}", self._limits.client)

    def _count(self, key: str, limit: Limit) -> dict[str, str]:
        """Takes one from a bucket and tells what is left (draft-ietf-httpapi-ratelimit-headers)."""
        now = self._ticks()
        if key not in self._buckets and len(self._buckets) >= LARGEST_MEMORY:
            self._forget_full(now)
        self._buckets[key], taken = take(self._buckets.get(key), limit, now)
        window = ceil(limit.burst / limit.rate)
        until_full = ceil((limit.burst - taken.remaining) / limit.rate)
        headers = {
            "RateLimit-Policy": f'"{limit.name}";q={limit.burst};w={window}',
            "RateLimit": f'"{limit.name}";r={taken.remaining};t={until_full}',
        }
        if taken.is_within:
            return headers
        wait = {"Retry-After": str(max(1, ceil(taken.retry_after)))}
        raise TooMany(
            "rate-limited", f"More than {limit.rate:g} requests a second 请求过快", headers=headers | wait
        )

    def _forget_full(self, now: float) -> None:
        slowest = max(limit.burst / limit.rate for limit in (self._limits.client, self._limits.anonymous))
        kept = {key: bucket for key, bucket in self._buckets.items() if now - bucket.at < slowest}
        self._buckets = kept if len(kept) < LARGEST_MEMORY else {}

    def _note_refusal(self, case: _Case, problem: Problem) -> None:
        DECISIONS.labels(case.service, problem.status).inc()
        if not isinstance(problem, Unavailable):
            self._ledger.refuse(self._entry(case, problem.status, problem.slug))

    def _entry(self, case: _Case, status: int, reason: str) -> Entry:
        who, asked = case.principal, case.named
        own = who.uscc if case.is_own else None
        return Entry(
            at=datetime.fromtimestamp(self._clock(), UTC),
            request_id=case.request_id,
            trace_id=case.call.trace,
            subject=who.subject,
            principal=who.text,
            dept=who.dept,
            region=who.region,
            uscc=who.uscc,
            client=who.client,
            address=case.call.address,
            service=storable(case.service[:LONGEST_PATH]),
            method=storable(case.call.method[:16]),
            path=storable(case.path[:LONGEST_PATH]),
            route=case.route.path if case.route else None,
            refs=asked.refs,
            permission=case.route.permission if case.route else None,
            kind=case.kind,
            purpose=case.purpose,
            case_id=self._case_id(case),
            unit=asked.value("uscc") or own,
            status=status,
            reason=reason,
            policy_version=self._policy.version,
            grants=tuple(one.id for one in case.beyond) or None,
            beyond=tuple(region for one in case.beyond for region in one.regions) or None,
        )
