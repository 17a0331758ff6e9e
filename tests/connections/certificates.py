"""A certificate authority of a test's own, and the certificates that it signs."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """`text` is its own certificate as PEM: what a source is given to trust."""

    def __init__(self, name: str = "authority of a test") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = _certificate(self._name, self._name, self._key.public_key())
        made = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.text = _pem(made.sign(self._key, hashes.SHA256()))

    def issue(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """A server's certificate for these names or IP addresses, and its key, as PEM files in `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "source")])
        alternatives = x509.SubjectAlternativeName([_name(name) for name in names])
        wanted = _certificate(subject, self._name, key.public_key()).add_extension(alternatives, critical=False)
        certificate, secret = folder / f"{names[0]}.crt", folder / f"{names[0]}.key"
        certificate.write_text(_pem(wanted.sign(self._key, hashes.SHA256())))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        secret.chmod(0o600)
        return certificate, secret


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - dt.timedelta(days=1),
        not_valid_after=now + dt.timedelta(days=1),
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
