"""EDGE: an authority of one's own and certificates for the hosts of one desk, for the bus and Ray between machines."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.bus.tls import TlsFiles, check_private
from shared.errors import ConfigError
from shared.private_files import write_private
from shared.redaction import redact_text

AUTHORITY: Final = "ca"
AUTHORITY_DAYS: Final = 3_650
HOST_DAYS: Final = 397
SOON_DAYS: Final = 30
"""A certificate that ends sooner is a problem: a desk must not lose its bus in the middle of a run."""
_OWN_NAMES: Final = ("localhost", "127.0.0.1")
"""Every host's certificate also names its loopback, where its own processes meet."""
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9a-fA-F:]+")


class Identity(NamedTuple):
    """A certificate and its key."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def files_of(folder: Path, host: str) -> TlsFiles:
    """Where the three files for `host` lie, as the settings name them."""
    name = host.replace(":", "_")
    return TlsFiles(str(folder / f"{AUTHORITY}.pem"), str(folder / f"{name}.pem"), str(folder / f"{name}.key"))


def make(folder: Path, hosts: Sequence[str], days: int = HOST_DAYS, now: dt.datetime | None = None) -> list[TlsFiles]:
    """A certificate and key for each host (name or IP address), of the folder's authority, which is made if missing.

    Keys are 0600. An existing certificate is replaced. ConfigError for what is no host, or without the authority's key.
    """
    wrong = [host for host in hosts if not _HOST.fullmatch(host) or host == AUTHORITY]
    if wrong:
        raise ConfigError([f"expected a host's name or IP address, got {redact_text(host)!r}" for host in wrong])
    now = now or dt.datetime.now(dt.UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = _authority(folder, now)
    made = []
    for host in hosts:
        files = files_of(folder, host)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(host, authority.cert.subject, key, now, days).add_extension(
            x509.SubjectAlternativeName([_name(each) for each in dict.fromkeys((host, *_OWN_NAMES))]), critical=False
        )
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]  # each host calls and is called
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        _write(Path(files.cert), Path(files.key), Identity(builder.sign(authority.key, hashes.SHA256()), key))
        made.append(files)
    return made


def days_left(cert: Path, now: dt.datetime | None = None) -> int:
    """Whole days until the certificate ends, negative afterwards; ConfigError if the file is none."""
    try:
        found = x509.load_pem_x509_certificate(cert.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError([f"expected a certificate (PEM) in {cert}: {error}"]) from error
    return (found.not_valid_after_utc - (now or dt.datetime.now(dt.UTC))).days


def problems(folder: Path, now: dt.datetime | None = None) -> list[str]:
    """What is wrong with the certificates in the folder: ending, or a key that others may read. Empty if nothing is."""
    found = []
    for cert in sorted(folder.glob("*.pem")):
        left = days_left(cert, now)
        if left < SOON_DAYS:
            found.append(f"{cert} ends in {left} days" if left >= 0 else f"{cert} ended {-left} days ago")
    for key in sorted(folder.glob("*.key")):
        try:
            check_private(key)
        except ConfigError as error:
            found += error.problems
    return found


def _authority(folder: Path, now: dt.datetime) -> Identity:
    cert, key = folder / f"{AUTHORITY}.pem", folder / f"{AUTHORITY}.key"
    if cert.exists():
        if not key.exists():
            raise ConfigError(
                [f"expected the authority's key at {key}: bring it back, or make certificates where it is"]
            )
        check_private(key)
        loaded = load_pem_private_key(key.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ConfigError([f"expected an elliptic-curve key in {key}"])
        return Identity(x509.load_pem_x509_certificate(cert.read_bytes()), loaded)
    made = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("hats authority")
    builder = _builder("hats authority", name, made, now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    identity = Identity(builder.sign(made, hashes.SHA256()), made)
    _write(cert, key, identity)
    return identity


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(subject[:64]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # the other host's clock may be a little behind
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(cert: Path, key: Path, identity: Identity) -> None:
    write_private(key, identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_private(cert, identity.cert.public_bytes(Encoding.PEM))
