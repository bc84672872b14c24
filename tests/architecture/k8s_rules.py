"""What an API server refuses and a schema does not see: selectors, references, ports, quantities, mounts.

Pure: takes the rendered objects, returns one line per defect. Tested against deliberately bad manifests.
"""

import re
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]
SUFFIX = {
    "": 1,
    "k": 1e3,
    "Ki": 2**10,
    "M": 1e6,
    "Mi": 2**20,
    "G": 1e9,
    "Gi": 2**30,
    "T": 1e12,
    "Ti": 2**40,
    "m": 1e-3,
}
QUANTITY = re.compile(r"^(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|Ti|)$")
DNS = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
CRON_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job"}


def name_of(item: Manifest) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def quantity(text: Any) -> float | None:
    """The number a Kubernetes quantity stands for, None where it is none (128MB is none)."""
    found = QUANTITY.match(str(text))
    return float(found[1]) * SUFFIX[found[2]] if found else None


def template(item: Manifest) -> Manifest | None:
    if item["kind"] == "CronJob":
        return item["spec"]["jobTemplate"]["spec"]["template"]
    return item["spec"]["template"] if item["kind"] in WORKLOADS else None


def labels(pod: Manifest) -> dict[str, str]:
    return pod.get("metadata", {}).get("labels", {})


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def matches(selector: dict[str, str], pods: list[Manifest]) -> list[Manifest]:
    return [pod for pod in pods if selector.items() <= labels(pod).items()]


def port_names(pods: list[Manifest]) -> set[Any]:
    ports = [port for pod in pods for box in containers(pod) for port in box.get("ports", [])]
    return {port.get("name") for port in ports} | {port["containerPort"] for port in ports}


def names(item: Manifest) -> Iterator[str]:
    if not DNS.match(item["metadata"]["name"]):
        yield "its name is no DNS name"


def selectors(item: Manifest, pods: list[Manifest]) -> Iterator[str]:
    spec, kind = item.get("spec", {}), item["kind"]
    if kind in {"Deployment", "StatefulSet", "DaemonSet"} and not matches(
        spec["selector"]["matchLabels"], [spec["template"]]
    ):
        yield "selector does not match its own template"
    if kind == "PodDisruptionBudget" and not matches(spec["selector"]["matchLabels"], pods):
        yield "selects no pod"
    if kind == "Service" and spec.get("selector"):
        chosen = matches(spec["selector"], pods)
        if not chosen:
            yield "selects no pod"
        for port in spec["ports"]:
            if port.get("targetPort", port["port"]) not in port_names(chosen):
                yield f"targetPort {port.get('targetPort', port['port'])} is no port of its pods"
    if kind == "NetworkPolicy":
        yield from policy(spec, pods)


def policy(spec: Manifest, pods: list[Manifest]) -> Iterator[str]:
    chosen = matches(spec["podSelector"].get("matchLabels", {}), pods)
    if not chosen:
        yield "selects no pod"
    for rule in spec.get("ingress", []):
        for port in rule.get("ports", []):
            if port.get("port") not in port_names(chosen):
                yield f"port {port.get('port')} is no port of its pods"
        for peer in rule.get("from", []):
            if "namespaceSelector" not in peer and not matches(
                peer["podSelector"].get("matchLabels", {}), pods
            ):
                yield f"lets in nobody: {peer['podSelector']}"


def references(item: Manifest, known: set[tuple[str, str]]) -> Iterator[str]:
    pod = template(item)
    if pod is None:
        return
    for kind, target in used_by(pod):
        if (kind, target) not in known:
            yield f"refers to {kind} {target}, which is not there"


def used_by(pod: Manifest) -> Iterator[tuple[str, str]]:
    if account := pod["spec"].get("serviceAccountName"):
        yield "ServiceAccount", account
    for volume in pod["spec"].get("volumes", []):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
    for box in containers(pod):
        for source in box.get("envFrom", []):
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if key in source:
                    yield kind, source[key]["name"]
        for variable in box.get("env", []):
            for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if key in variable.get("valueFrom", {}):
                    yield kind, variable["valueFrom"][key]["name"]


def boxes(item: Manifest) -> Iterator[str]:
    pod = template(item)
    if pod is None:
        return
    claims = [claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])]
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])} | set(claims)
    for box in containers(pod):
        for mount in box.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"mounts {mount['name']}, which is no volume"
        yield from resources(box)
        ports = {port.get("name") for port in box.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            for way in ("httpGet", "tcpSocket"):
                port = box.get(probe, {}).get(way, {}).get("port")
                if isinstance(port, str) and port not in ports:
                    yield f"{probe} asks port {port}, which is not there"


def resources(box: Manifest) -> Iterator[str]:
    requests = box.get("resources", {}).get("requests", {})
    limits = box.get("resources", {}).get("limits", {})
    if not requests or "memory" not in limits:
        yield f"container {box['name']} has no requests or no memory limit"
    for key, text in [*requests.items(), *limits.items()]:
        if quantity(text) is None:
            yield f"{key} {text} is no quantity"
    for key, text in requests.items():
        low, high = quantity(text), quantity(limits.get(key, text))
        if low is not None and high is not None and low > high:
            yield f"requests {text} of {key}, more than its limit"


def targets(item: Manifest, known: set[tuple[str, str]]) -> Iterator[str]:
    if item["kind"] == "HorizontalPodAutoscaler":
        goal = item["spec"]["scaleTargetRef"]
        if (goal["kind"], goal["name"]) not in known:
            yield f"scales {goal['kind']} {goal['name']}, which is not there"
    if item["kind"] == "CronJob":
        fields = item["spec"]["schedule"].split()
        for text, (low, high) in zip(fields, CRON_LIMITS, strict=True):
            if any(not low <= int(number) <= high for number in re.findall(r"\d+", text.split("/")[0])):
                yield f"schedule field {text} is out of range"


def defects(items: list[Manifest], external: dict[str, list[str]]) -> list[str]:
    """One line per defect; empty when an API server would take the objects and they would work together."""
    known = {(item["kind"], item["metadata"]["name"]) for item in items}
    known |= {(kind, name) for kind, listed in external.items() for name in listed}
    pods = [pod for item in items if (pod := template(item)) is not None]
    found = []
    for item in items:
        lines = [*names(item), *selectors(item, pods), *references(item, known), *boxes(item)]
        found += [f"{name_of(item)}: {line}" for line in [*lines, *targets(item, known)]]
    return found
