"""Certificates of sources are verified. A relay that ends TLS stands in front of the real server."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connections.engines import postgres
from connections.errors import ConnectorError
from connections.targets import Target
from connections.tls import TlsMode
from tests.ingestion.connectors.reading import opened
from tests.servers.databases import PostgresServer

_SSL_REQUEST = 8
_BLOCK = 65536


def certificate(folder: Path, *names: str) -> tuple[Path, str]:
    """A self-signed certificate with its key in one file, and the certificate alone as PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "source")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM).decode()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{names[0]}.pem"
    file.write_text(secret.decode() + text)
    return file, text


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class TlsFront:
    """Takes PostgreSQL's TLS, and passes what is inside on to the server."""

    def __init__(self, server: PostgresServer, chain: Path) -> None:
        self._server = server
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            client.recv(_SSL_REQUEST)
            client.sendall(b"S")
            inside = self._context.wrap_socket(client, server_side=True)
            server = socket.create_connection((self._server.host, self._server.port))
            threading.Thread(target=_pass_on, args=(server, inside), daemon=True).start()
            _pass_on(inside, server)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def front(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Target, str]]:
    """A target whose server shows a certificate for db.example.org, and that certificate."""
    chain, text = certificate(tmp_path, "db.example.org")
    running = TlsFront(postgres_server, chain)
    address = opened(postgres_server.url().partition("?")[0])
    yield (
        replace(address, port=running.port, host="db.example.org", tls=TlsMode.VERIFY_FULL, tls_ca=text),
        text,
    )
    running.close()


def test_the_pinned_address_is_reached_under_the_name_of_its_certificate(front: tuple[Target, str]):
    target, _ = front
    with postgres.connect(target) as connection:
        assert connection.info.pgconn.ssl_in_use
        assert connection.info.hostaddr == "127.0.0.1"


def test_another_name_is_refused_unless_only_the_authority_counts(front: tuple[Target, str]):
    target, _ = front
    with pytest.raises(ConnectorError, match="certificate"):
        postgres.connect(replace(target, host="other.example.org"))
    postgres.connect(replace(target, host="other.example.org", tls=TlsMode.VERIFY_CA)).close()


def test_a_certificate_of_another_authority_is_refused(front: tuple[Target, str], tmp_path: Path):
    target, _ = front
    _, other = certificate(tmp_path, "elsewhere.example.org")
    for mode in (TlsMode.VERIFY_CA, TlsMode.VERIFY_FULL):
        with pytest.raises(ConnectorError, match="certificate"):
            postgres.connect(replace(target, tls=mode, tls_ca=other))
    with pytest.raises(ConnectorError, match="certificate"):
        postgres.connect(replace(target, tls_ca=""))


def test_a_server_without_tls_is_refused_where_tls_is_asked_for(postgres_server: PostgresServer):
    target = opened(postgres_server.url().partition("?")[0])
    for mode in (TlsMode.REQUIRE, TlsMode.VERIFY_FULL):
        with pytest.raises(ConnectorError, match="TLS"):
            postgres.connect(replace(target, tls=mode))
