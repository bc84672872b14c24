"""Requests made by schemathesis for every route of a service, asked by four callers, and what is wrong then.

Promises: a status that is not declared, a 5xx, a body that is not what was declared, and the words of
another owner in an answer are each told once for a route and a caller. Leaves rows to
`planting`, the verdict to the test.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests
import schemathesis
from hand_table import Line, holders, shape
from hostile_values import hostile
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from kit.testing.tokens import Tokens
from planting import CANARY, SIDES, Planted
from schemathesis.checks import load_all_checks
from schemathesis.core import NotSet
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

load_all_checks()
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EVERYBODY = frozenset(side.name for side in SIDES)
HOME = SIDES[0]
SECONDS = 30.0
SETTINGS = partial(
    settings,
    phases=[Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@dataclass(frozen=True)
class Caller:
    """Who asks, and the sides whose words may not be told to them."""

    name: str
    headers: dict[str, str]
    foreign: frozenset[str]


@dataclass
class Found:
    """`faults` by route, caller and kind; which statuses were met; which words were rightly shown to whom."""

    faults: dict[tuple[str, str, str], str] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    shown: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, route: str, caller: str, kind: str, told: str) -> None:
        self.faults.setdefault((route, caller, kind), told)

    def __str__(self) -> str:
        return "\n".join(f"{' · '.join(where)}: {told}" for where, told in sorted(self.faults.items()))


def officer_of(line: Line) -> tuple[str, str] | None:
    """(the word, `dept/roles@131000`) of an officer who has the widest right short of everything."""
    for word in ("region", "own", "addressed", "everything"):
        for departments, roles in holders(line.entry, word):
            known = sorted(dept for dept in departments if dept is not None)
            dept = next((dept for dept in ("ee.enf", "ee", "ee.mon") if dept in known), known[0])
            return word, f"{dept}/{'+'.join(sorted(roles))}@{HOME.region}"
    return None


def callers(line: Line, tokens: Tokens) -> list[Caller]:
    """The four who ask on this route; what is for everybody has no officer of its own."""
    later = int(time.time()) + 7200
    word, who = officer_of(line) or ("published", f"ee.enf/data.read@{HOME.region}")
    beyond = EVERYBODY - {"home", "other"}
    if word == "everything":
        beyond = frozenset()
    hears_all = any("auditor" in roles for _, roles in holders(line.entry, "everything"))
    unit = tokens.bearer(f"unit/data.submit@{HOME.region}", uscc=HOME.uscc, exp=later)
    auditor = tokens.bearer(f"gov/auditor@{HOME.region}", exp=later)
    return [
        Caller("officer", tokens.bearer(who, exp=later), beyond),
        Caller("unit", unit, EVERYBODY - {"home"}),
        Caller("auditor", auditor, frozenset() if hears_all else EVERYBODY),
        Caller("nobody", {}, EVERYBODY),
    ]


@dataclass
class Explorer:
    """Asks the service at `url`, whose document is `document`; `public` are columns told to everybody."""

    url: str
    document: dict[str, Any]
    lines: list[Line]
    tokens: Tokens
    planted: Planted
    public: frozenset[str] = frozenset()
    found: Found = field(default_factory=Found)

    def run(self, examples: int, part: int = 0, parts: int = 1) -> Found:
        """So many requests for each route and caller; of the routes one part of so many."""
        schema = schemathesis.openapi.from_dict(self.document)
        schema.config.generation.update(with_security_parameters=False)
        schema.config.base_url = self.url
        with requests.Session() as session:
            for number, result in enumerate(schema.get_all_operations()):
                if number % parts == part:
                    self._operation(result.ok(), session, examples)
        return self.found

    def _operation(self, operation: Any, session: requests.Session, examples: int) -> None:
        line = self._line(operation)
        asking = callers(line, self.tokens)
        made = st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @seed(7)
        @SETTINGS(max_examples=examples)
        @given(st.data())
        def ask(data: st.DataObject) -> None:
            case = data.draw(made)
            self._aim(case, data)
            for caller in asking:
                self._ask(case, caller, line, session)

        ask()

    def hostile(self, stride: int) -> Found:
        """Asks every route as its officer with hostile values, one of so many in each place by turns."""
        schema = schemathesis.openapi.from_dict(self.document)
        schema.config.generation.update(with_security_parameters=False)
        with requests.Session() as session:
            for number, result in enumerate(schema.get_all_operations()):
                self._hostile(result.ok(), session, stride, number)
        return self.found

    def _hostile(self, operation: Any, session: requests.Session, stride: int, number: int) -> None:
        line = self._line(operation)
        fits = self._fitting(operation)
        told = self.document["paths"][operation.path][operation.method.lower()]
        names = [one["name"] for one in told.get("parameters", ()) if one["in"] == "query"]
        query = {name: (fits.query or {}).get(name) for name in names}
        path = {name: self.planted.known(name)[0] for name in fits.path_parameters or {}}
        body = None if isinstance(fits.body, NotSet | bytes) else fits.body
        headers = callers(line, self.tokens)[0].headers | {"Content-Type": "application/json"}
        for at, one in enumerate(hostile(operation.path, path, query, body)):
            if (at + number) % stride:
                continue
            asked = requests.Request(operation.method, self.url + "/", headers=headers, data=one.body)
            prepared = session.prepare_request(asked)
            prepared.url = self.url + one.target  # requests would mend it
            asked_for = f"{operation.method} {one.target[:300]} {(one.body or b'')[:200]!r}"
            try:
                answer = session.send(prepared, timeout=SECONDS)
            except requests.RequestException as error:
                self.found.add(line.name, "hostile", "no answer", f"{asked_for} {error!r}"[:600])
                continue
            self.found.statuses[answer.status_code] += 1
            if answer.status_code >= 500 or str(answer.status_code) not in told["responses"]:
                what = f"{asked_for} -> {answer.status_code} {answer.text[:300]}"
                self.found.add(line.name, "hostile", str(answer.status_code), what)

    def _fitting(self, operation: Any) -> Any:
        """A request that fits the document."""
        made: list[Any] = []

        @SETTINGS(max_examples=1)
        @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def keep(case: Any) -> None:
            made.append(case)

        keep()
        return made[0]

    def _line(self, operation: Any) -> Line:
        for line in self.lines:
            if (line.method, line.shape) == (operation.method.upper(), shape(operation.path)):
                return line
        raise AssertionError(f"{operation.label} is not in policy_matrix.yaml")

    def _aim(self, case: Any, data: st.DataObject) -> None:
        """Half of the requests ask for rows that are there, of any side."""
        if data.draw(st.booleans()):
            for name in case.path_parameters or {}:
                if known := self.planted.known(name):
                    case.path_parameters[name] = data.draw(st.sampled_from(known))
            for name in list(case.query or {}):
                if name in self.planted.values and data.draw(st.booleans()):
                    case.query[name] = data.draw(st.sampled_from(self.planted.values[name]))

    def _ask(self, case: Any, caller: Caller, line: Line, session: requests.Session) -> None:
        try:
            answer = case.call(base_url=self.url, session=session, headers=caller.headers, timeout=SECONDS)
        except requests.RequestException as error:
            return self.found.add(line.name, caller.name, "no answer", repr(error)[:300])
        self.found.statuses[answer.status_code] += 1
        asked = f"{answer.request.method} {answer.request.url[:300]} {(answer.request.body or b'')[:300]!r}"
        if answer.status_code >= 500:
            told = f"{asked} -> {answer.status_code} {answer.text[:300]}"
            self.found.add(line.name, caller.name, f"{answer.status_code}", told)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                told = f"{asked} -> {answer.status_code} {failure} {answer.text[:300]}"
                self.found.add(line.name, caller.name, type(failure).__name__, told)
        self._leaks(answer, caller, line, asked)

    def _leaks(self, answer: Any, caller: Caller, line: Line, asked: str) -> None:
        told = answer.content.decode(errors="replace") + repr(sorted(answer.headers.items()))
        for side, column in set(CANARY.findall(told)):
            is_public = line.is_public and column in self.public
            if side in caller.foreign and not is_public and f"canary-{side}-{column}" not in asked:
                self.found.add(line.name, caller.name, f"tells {side} {column}", asked)
            else:
                self.found.shown[caller.name].add(f"{side} {column}")
