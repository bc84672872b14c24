"""Compose, dashboards, alerts, the image recipe and the realm say things that hold in this repository."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.load((ROOT / "infra/compose.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
METRIC = re.compile(r"\b((?:http|bus|outbox|log|ingest|qc)_[a-z_]+)\b")
SUFFIXES = ("_bucket", "_count", "_sum")


def exported() -> set[str]:
    """The metrics that the code declares."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "services").rglob("*.py"))
    return set(re.findall(r"(?:Counter|Gauge|Histogram)\(\s*\"([a-z_]+)\"", text))


def expressions() -> list[str]:
    rules = yaml.load(
        (ROOT / "infra/prometheus/rules.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    for board in (ROOT / "infra/grafana/dashboards").glob("*.json"):
        for panel in json.loads(board.read_text(encoding="utf-8"))["panels"]:
            found += [target["expr"] for target in panel["targets"]]
    return found


@pytest.mark.parametrize("expr", expressions())
def test_an_expression_asks_for_metrics_that_exist(expr: str) -> None:
    names = {name for name in METRIC.findall(expr)}
    assert names
    for name in names:
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        assert name in exported()


def test_dashboards_have_unique_panels_and_a_known_source() -> None:
    source = yaml.load(
        (ROOT / "infra/grafana/provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8"),
        Loader=yaml.CSafeLoader,
    )["datasources"][0]["uid"]
    for board in (ROOT / "infra/grafana/dashboards").glob("*.json"):
        panels = json.loads(board.read_text(encoding="utf-8"))["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels) > 0
        assert {panel["datasource"]["uid"] for panel in panels} == {source}


def references(service: dict[str, Any], key: str) -> list[str]:
    return [item if isinstance(item, str) else item["source"] for item in service.get(key, [])]


def test_compose_refers_only_to_what_it_declares() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(references(service, "secrets")) <= set(COMPOSE["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = source in COMPOSE["volumes"] or (ROOT / "infra" / source).exists()
            assert known, f"{name}: {volume}"


def test_the_override_for_tls_refers_only_to_what_it_declares() -> None:
    override = yaml.load(
        (ROOT / "infra/compose.tls.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    (name, ingest) = next(iter(override["services"].items()))
    assert name in COMPOSE["services"] and set(ingest["secrets"]) == set(override["secrets"])
    told = ingest["environment"]
    for file, secret in (("CERTIFICATE", "certificate"), ("KEY", "key")):
        assert told[f"INGEST_RECEIVER_TLS_{file}"] == f"/run/secrets/receiver_tls_{secret}"
    assert ingest["ports"] == [f"{told['INGEST_RECEIVER_TLS_PORT']}:{told['INGEST_RECEIVER_TLS_PORT']}"]


def test_every_image_is_one_the_recipe_can_make() -> None:
    recipe = (ROOT / "infra/Dockerfile").read_text(encoding="utf-8")
    for service in COMPOSE["services"].values():
        if "build" not in service:
            continue
        assert f"AS {service['build']['target']}" in recipe
        owner = service["build"].get("args", {}).get("SERVICE")
        if owner:
            assert (ROOT / "locks" / f"{owner}.lock").exists(), owner


def test_the_realm_has_a_client_for_every_service_and_no_secret() -> None:
    realm = json.loads((ROOT / "infra/keycloak/realm.json").read_text(encoding="utf-8"))
    assert realm["realm"] == "jianzhen"
    clients = {client["clientId"]: client for client in realm["clients"]}
    for service in ("ingest", "qc", "cases", "credit", "publish", "evidence", "gateway"):
        assert f"svc-{service}" in clients
    assert not [name for name, client in clients.items() if client.get("secret")]
    assert not [user["username"] for user in realm["users"] if user.get("credentials")]


def test_no_address_of_a_registry_or_a_machine_is_in_the_locks() -> None:
    for lock in (ROOT / "locks").iterdir():
        text = lock.read_text(encoding="utf-8")
        assert "http://" not in text and "https://" not in text, lock.name
        assert "--index-url" not in text and "--find-links" not in text
