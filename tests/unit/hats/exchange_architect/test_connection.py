"""One connection, plain and over TLS: idle ones are told from dead ones, and nothing outlasts its deadline."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hats.exchange_architect.connection import Connection, Lost
from hats.exchange_architect.http1 import Response, request, request_head
from shared.errors import VenueUnreachable
from tests.unit.hats.exchange_architect.loopback import Server, answer

x509 = pytest.importorskip("cryptography.x509", reason="no certificate can be made without it")


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - only where it is installed
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "loopback.pem"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return path


class TlsServer:
    """Answers every request of one connection after another with null; `hang_up` closes the one that is open."""

    def __init__(self, certificate_path: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate_path)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.open: ssl.SSLSocket | None = None
        self.served = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(raw, server_side=True) as self.open:
                    while self.open.recv(65_536):
                        self.open.sendall(answer(b"null"))
            except OSError:
                raw.close()
            self.served.release()

    def hang_up(self) -> None:
        """Close the open connection from our side, and wait until its thread noticed."""
        assert self.open is not None
        self.open.shutdown(socket.SHUT_RDWR)
        assert self.served.acquire(timeout=10)

    def close(self) -> None:
        """Nothing of it runs any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    """A TLS server whose certificate is trusted."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server = TlsServer(path)
    yield server
    server.close()


def asked(connection: Connection) -> Response | Lost:
    """One request and its answer."""
    connection.send(request(request_head(connection.host, "/info"), b"{}"))
    return connection.receive(2_000)


def test_an_idle_tls_connection_stays_usable_until_the_peer_closes(tls: TlsServer) -> None:
    """Session tickets that wait to be read are not the end of a connection; the peer's closing is."""
    connection = Connection(tls.url, 2_000)
    connection.open()
    assert connection._poll.poll(5_000), "the tickets come after the handshake"
    for _ in range(3):
        assert connection.is_usable()
        assert asked(connection) == Response(200, b"null", True)
    assert connection.is_usable()
    tls.hang_up()
    assert connection._poll.poll(5_000)
    assert not connection.is_usable()
    connection.close()


def test_a_stranger_is_not_trusted(tls: TlsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A certificate that nobody vouches for is no connection."""
    (tmp_path / "none.pem").write_text("")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(VenueUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        Connection(tls.url, 2_000).open()


def _says_null(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(answer(b"null"))
    return True


def test_a_plain_connection_that_was_closed_is_not_usable() -> None:
    """The peer's closing is seen before anything is written; closing twice is harmless."""
    server = Server(_says_null)
    connection = Connection(server.url, 2_000)
    assert not connection.is_usable()
    connection.open()
    assert connection.is_usable()
    assert asked(connection) == Response(200, b"null", True)
    assert connection.is_usable()
    server.close()
    assert not connection.is_usable()
    connection.close()
    connection.close()


def test_a_listener_that_never_shakes_hands_is_given_up() -> None:
    """TLS to a peer that accepts and says nothing ends at the connect deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        with pytest.raises(VenueUnreachable):
            Connection(f"https://127.0.0.1:{listener.getsockname()[1]}", 200).open()
        assert time.monotonic() - began < 2


def test_sending_without_a_connection_is_refused() -> None:
    """Nothing is opened behind the caller's back."""
    with pytest.raises(VenueUnreachable, match="not connected"):
        Connection("http://127.0.0.1:1", 100).send(b"x")
