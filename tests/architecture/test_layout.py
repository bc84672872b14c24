"""The same file names in every service, so that any file can be opened blind; names that can be guessed."""

import importlib
import re
from pathlib import Path

import pytest
from contracts.catalogue import CATALOGUE, PRODUCERS, consumed_by

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(p.parent.name for p in (ROOT / "services").glob("*/*/main.py"))
ALLOWED = {
    "__init__", "main", "settings", "api", "consumers", "jobs", "receiver", "flows", "queries", "tables",
    "rules", "migrations", "packs", "data",
}  # fmt: skip
# The gateway is a producer, too: its audit asks for leaves.
HOMES = {name: ROOT / "services" / name / name for name in SERVICES} | {"gateway": ROOT / "gateway/gateway"}
SERVICE_OF_A_DOOR = {"api", "consumers", "jobs", "receiver"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_flat_with_the_known_names(service: str) -> None:
    package = ROOT / "services" / service / service
    found = {p.stem if p.is_file() else p.name for p in package.iterdir() if not p.name.startswith("__pyc")}
    assert found - {"py"} <= ALLOWED | {"__init__"}, found - ALLOWED


def test_the_catalogue_names_events_in_the_past_tense_of_their_producer() -> None:
    for entry in CATALOGUE:
        assert entry.producer in HOMES
        assert re.fullmatch(r"[A-Z][A-Za-z]+(ed|en|wn|Lost)", entry.event.__name__), entry.event
        assert entry.type.startswith(f"{entry.producer}.")


def test_every_consumer_of_the_catalogue_registers_a_handler_and_nobody_else_does() -> None:
    for service in SERVICES:
        expected = {entry.event for entry in consumed_by(service)}
        if not expected and not (ROOT / "services" / service / service / "consumers.py").exists():
            continue
        module = importlib.import_module(f"{service}.consumers")
        assert {event for event, _ in module.CONSUMERS} == expected, service
        for event, handler in module.CONSUMERS:
            name = event.__name__
            snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            assert handler.__name__ == f"on_{snake}"


def test_every_event_is_put_by_its_producer() -> None:
    for entry in CATALOGUE:
        package = HOMES[entry.producer]
        source = "\n".join(p.read_text(encoding="utf-8") for p in package.rglob("*.py"))
        assert re.search(rf"\b{entry.event.__name__}\(", source), f"{entry.type} is never made"


def test_streams_are_named_after_their_producers() -> None:
    assert set(PRODUCERS) <= set(HOMES)
