"""The edge takes a renewed certificate on SIGUSR1, and nobody who asks meanwhile is refused."""

import datetime
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kit.processes import accepts, free_port
from kit.servers import binary

CADDYFILE = Path(__file__).resolve().parents[3] / "gateway/Caddyfile"
ASKED = b"GET /api/qc/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def certificate(folder: Path) -> int:
    """A new key and certificate for localhost in the files; its serial number."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now, serial = datetime.datetime.now(datetime.UTC), x509.random_serial_number()
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(serial).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (folder / "edge.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    (folder / "edge.crt").write_bytes(made.public_bytes(pem))
    return serial


class Edge:
    def __init__(self, folder: Path) -> None:
        self.port, self.log = free_port(), folder / "caddy.log"
        environ = os.environ | {"EDGE_TLS": f"{folder / 'edge.crt'} {folder / 'edge.key'}"}
        environ |= {"EDGE_HTTP_PORT": str(free_port()), "EDGE_HTTPS_PORT": str(self.port)}
        environ |= {"EDGE_BIND": "127.0.0.1", "EDGE_DATA": str(folder)}
        environ |= {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        argv = [binary("caddy"), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log)
        while not accepts(self.port):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def ask(self) -> tuple[int, bytes]:
        """Serial number of the certificate, first line of the answer; raises OSError."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as line,
            context.wrap_socket(line, server_hostname="localhost") as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
            assert shown is not None
            secure.sendall(ASKED)
            answer = b""
            while part := secure.recv(65536):
                answer += part
        return x509.load_der_x509_certificate(shown).serial_number, answer.partition(b"\r\n")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificate(tmp_path)
    return tmp_path


@pytest.fixture
def edge(folder: Path) -> Iterator[Edge]:
    made = Edge(folder)
    yield made
    made.process.terminate()
    made.process.wait(30)


def test_a_renewed_certificate_is_shown_and_who_asks_again_is_answered(edge: Edge, folder: Path) -> None:
    first, _ = edge.ask()
    found: Counter[tuple[int, bytes]] = Counter()
    failed: list[str] = []
    cut: list[int] = []
    ended = threading.Event()

    def answered() -> bool:
        """Whether an answer came; Caddy 2.11 may close a line that was opened under the reload unanswered."""
        try:
            serial, answer = edge.ask()
        except OSError:
            return False
        found[serial, answer] += bool(answer)
        return bool(answer)

    def load() -> None:
        while not ended.is_set():
            if not answered():
                cut.append(1)
                if not answered():
                    failed.append("asked again, and again not answered")

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    second = certificate(folder)
    edge.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 30
    while not any(serial == second for serial, _ in list(found)) and time.monotonic() < deadline:
        time.sleep(0.05)
    ended.set()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert len(cut) <= len(threads), "more than what was under way at the reload"
    # Nothing is behind this edge: what it answers itself is enough.
    assert {answer for (_, answer), times in found.items() if times} == {b"HTTP/1.1 404 Not Found"}
    assert {serial for serial, _ in found} <= {first, second}
    assert edge.ask()[0] == second
    assert edge.process.poll() is None
