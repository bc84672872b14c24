"""The manifests are what an API server takes: strict schemas (any warning fails) and our own semantics."""

import copy
import importlib.util
import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from ingest.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
KUBECTL = ROOT / ".tools/kubectl"
VERSION = "1.36"
COMPOSES = ("compose.yaml", "compose.tls.yaml")
spec = importlib.util.spec_from_file_location("k8s_rules", Path(__file__).with_name("k8s_rules.py"))
assert spec is not None and spec.loader is not None
k8s_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(k8s_rules)
EXTERNAL = yaml.load((ROOT / "k8s/external.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
OVERLAYS = sorted(path.parent for path in (ROOT / "k8s/overlays").glob("*/kustomization.yaml"))


def render(folder: Path) -> list[dict[str, Any]]:
    assert KUBECTL.exists(), "kubectl is not there: run `make tools`"
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [item for item in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if item]


@pytest.fixture(scope="module")
def dev() -> list[dict[str, Any]]:
    return render(ROOT / "k8s/overlays/dev")


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_every_object_fits_its_schema_without_a_warning(overlay: Path) -> None:
    items = render(overlay)
    assert len(items) > 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for item in items:
            kubernetes_validate.validate(item, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_the_objects_work_together(overlay: Path) -> None:
    assert k8s_rules.defects(render(overlay), EXTERNAL) == []


def test_the_receiver_speaks_tls_where_an_overlay_says_so(tmp_path: Path) -> None:
    k8s = Path(os.path.relpath(ROOT / "k8s", tmp_path))
    made = {"resources": [str(k8s / "overlays/dev")], "components": [str(k8s / "components/receiver-tls")]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    items = render(tmp_path)
    assert k8s_rules.defects(items, EXTERNAL) == []
    for item in items:
        kubernetes_validate.validate(item, VERSION, strict=True)
    config = by(items, "ConfigMap", "ingest")["data"]
    ports = {port["name"]: port["port"] for port in by(items, "Service", "ingest")["spec"]["ports"]}
    assert str(ports["hj212-tls"]) == config["INGEST_RECEIVER_TLS_PORT"]
    (box,) = by(items, "Deployment", "ingest")["spec"]["template"]["spec"]["containers"]
    mounts = [one["mountPath"] for one in box["volumeMounts"]]
    for name in ("CERTIFICATE", "KEY"):
        assert str(Path(config[f"INGEST_RECEIVER_TLS_{name}"]).parent) in mounts


def test_every_variable_of_ingest_is_a_setting_of_it(dev: list[dict[str, Any]]) -> None:
    compose = [
        yaml.load((ROOT / "infra" / name).read_text("utf-8"), Loader=yaml.CSafeLoader) for name in COMPOSES
    ]
    told = [
        by(dev, "ConfigMap", "ingest")["data"],
        *(one["services"]["ingest"]["environment"] for one in compose),
    ]
    names = {name.removeprefix("INGEST_").lower() for one in told for name in one}
    assert {"uplink_allows", "receiver_tls_port"} <= names <= set(Settings.model_fields)


def by(items: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(i for i in items if i["kind"] == kind and i["metadata"]["name"] == name)


def spoil(items: list[dict[str, Any]], defect: str) -> list[dict[str, Any]]:
    bad = copy.deepcopy(items)
    deployment = by(bad, "Deployment", "qc")
    box = deployment["spec"]["template"]["spec"]["containers"][0]
    if defect == "selector":
        deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] = "other"
    elif defect == "more than its limit":
        box["resources"]["requests"]["memory"] = "8Gi"
    elif defect == "no quantity":
        box["resources"]["limits"]["memory"] = "128MB"
    elif defect == "no volume":
        box["volumeMounts"].append({"name": "nowhere", "mountPath": "/x"})
    elif defect == "is no DNS name":
        deployment["metadata"]["name"] = "Bad_Name"
    elif defect == "is not there":
        box["envFrom"][0]["configMapRef"]["name"] = "absent"
    elif defect == "is no port of its pods":
        by(bad, "Service", "qc")["spec"]["ports"][0]["targetPort"] = "nope"
    elif defect == "selects no pod":
        by(bad, "PodDisruptionBudget", "qc")["spec"]["selector"]["matchLabels"] = {"a": "b"}
    elif defect == "lets in nobody":
        rule = by(bad, "NetworkPolicy", "qc")["spec"]["ingress"][0]
        rule["from"][0]["podSelector"]["matchLabels"] = {"a": "b"}
    elif defect == "out of range":
        job = by(bad, "Job", "qc-migrate")
        bad.append(
            {
                "kind": "CronJob",
                "metadata": {"name": "c"},
                "spec": {"schedule": "61 3 * * *", "jobTemplate": {"spec": copy.deepcopy(job["spec"])}},
            }
        )
    elif defect == "scales":
        by(bad, "HorizontalPodAutoscaler", "qc")["spec"]["scaleTargetRef"]["name"] = "absent"
    elif defect == "asks port":
        box["readinessProbe"]["httpGet"]["port"] = "nope"
    return bad


@pytest.mark.parametrize(
    "defect",
    [
        "selector", "more than its limit", "no quantity", "no volume", "is no DNS name", "is not there",
        "is no port of its pods", "selects no pod", "lets in nobody", "out of range", "scales", "asks port",
    ],
)  # fmt: skip
def test_a_defect_a_schema_does_not_see_is_found(dev: list[dict[str, Any]], defect: str) -> None:
    assert any(defect in line for line in k8s_rules.defects(spoil(dev, defect), EXTERNAL))


@pytest.mark.parametrize("change", [{"replica": 2}, {"replicas": "two"}])
def test_a_defect_a_schema_sees_is_found(dev: list[dict[str, Any]], change: dict[str, Any]) -> None:
    bad = copy.deepcopy(by(dev, "Deployment", "qc"))
    bad["spec"].update(change)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(bad, VERSION, strict=True)
