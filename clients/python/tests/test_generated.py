"""The generated client is what the services are today: every operation, no more, and the same bytes."""

import inspect
import re
from typing import Any, get_args, get_type_hints

import jianzhen_client
import policy
from jianzhen.pyclient.interfaces import SERVICES, documents
from jianzhen.pyclient.text import snake
from jianzhen.pyclient.write import MOST, operations_of, present, wanted
from jianzhen_client import Client
from jianzhen_client.transport import Call, Group, Transport

DOCUMENTS = documents()
Route = tuple[str, str, str]


class Listening(Transport):
    """Keeps the calls that methods make."""

    def __init__(self) -> None:
        self.calls: list[Call[Any]] = []

    def send(self, call: Call[Any]) -> Any:
        self.calls.append(call)

    def pages(self, call: Call[Any]) -> Any:
        self.calls.append(call)


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def methods_of(service: str) -> list[tuple[str, Call[Any]]]:
    """Every method of a service with the call that it makes, all arguments given."""
    with Client("http://127.0.0.1:1") as client:
        group: Group = getattr(client, service)
        group._transport = listening = Listening()
        found = []
        for name, method in inspect.getmembers(group, inspect.ismethod):
            if name.startswith("_"):
                continue
            arguments = inspect.signature(method).parameters
            named = {one: f"<{one}>" for one in arguments}
            method(**named)
            found.append((name, listening.calls[-1]))
    return found


METHODS = {service: methods_of(service) for service in SERVICES}


def test_the_files_are_what_the_generator_writes_today() -> None:
    files = wanted()
    assert present() == set(files)
    assert [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text] == []


def test_every_operation_that_the_policy_lets_through_the_edge_has_a_method() -> None:
    rules = policy.load()
    made = {
        (service, call.method, shape(call.path).removeprefix(f"/api/{service}"))
        for service, methods in METHODS.items()
        for _, call in methods
    }
    known = {(one.service, one.method.upper(), shape(one.path)) for one in operations()}
    allowed = {
        (route.service, route.method, shape(route.path))
        for route in rules.routes
        if route.through_edge and route.permission is not None
    }
    # A service that hears nothing has parked nothing.
    lacking = {route for route in allowed - made if not ("/parked" in route[2] and route not in known)}
    # What SensorThings says of writing is a refusal; it is offered to nobody.
    assert {route for route in lacking if route[2] != "/sta/v1.1/{}"} == set()
    assert made == known
    assert len(made) > 250


def operations() -> list[Any]:
    return [one for service, document in DOCUMENTS.items() for one in operations_of(service, document)]


def test_each_argument_reaches_the_request() -> None:
    for service, methods in METHODS.items():
        for name, call in methods:
            said = DOCUMENTS[service]["paths"][call.path.removeprefix(f"/api/{service}")][call.method.lower()]
            told = {**call.places, **call.query, **call.headers}
            wanted_names = {
                one["name"] for one in said.get("parameters", []) if one["name"] != "authorization"
            }
            # A place in the path is one even where the document does not say so.
            assert set(told) == wanted_names | set(re.findall(r"{(\w+)}", call.path)), name
            assert all(value is not None for value in told.values()), name
            assert (call.body == "<body>") == ("requestBody" in said), name


def test_whoever_writes_has_something_to_write() -> None:
    """A body that is read from raw bytes must be declared all the same, or no client could send it."""
    bare = [f"{one.method} {one.path}" for one in operations() if one.method in {"put", "patch"}]
    without = [f"{one.method} {one.path}" for one in operations() if "requestBody" not in one.said]
    assert set(bare) & set(without) == set()


def test_bodies_of_the_register_are_typed() -> None:
    hints = get_type_hints(Client("http://127.0.0.1:1").ingest.put_site)
    site = hints["body"]
    assert {"kind", "element", "region", "dept"} <= set(site.__annotations__)
    assert set(get_args(get_type_hints(site)["kind"])) == {"station", "outlet"}
    assert jianzhen_client.__file__ is not None


def test_a_file_has_a_number_in_its_name_only_where_one_group_alone_is_too_long() -> None:
    """What is about one thing stands under its name; the rest of a service fits into one file."""
    for service, document in DOCUMENTS.items():
        groups: dict[str, int] = {}
        for one in operations_of(service, document):
            groups[snake(one.group)] = groups.get(snake(one.group), 0) + 1
        for path in present():
            found = re.fullmatch(rf"{service}_(.+)_\d+", path.stem)
            if found and path.parent.name == "api":
                assert groups.get(found[1], 0) > MOST, path.name
