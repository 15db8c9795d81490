"""Canned providers on real sockets, and certificates to meet them over TLS."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from probes_support import Canned, listen

_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
Certificate = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


@pytest.fixture
async def canned() -> AsyncIterator[Canned]:
    answers = Canned()
    server = await listen(answers, None)
    yield answers
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="session")
def authority() -> Certificate:
    return _certificate("Test CA", None)


@pytest.fixture(scope="session")
def trusting(authority: Certificate) -> ssl.SSLContext:
    pem = authority[0].public_bytes(serialization.Encoding.PEM).decode()
    return ssl.create_default_context(cadata=pem)


TlsServer = Callable[..., Any]


@pytest.fixture
async def tls_server(authority: Certificate, tmp_path: Path) -> AsyncIterator[TlsServer]:
    """Yield a function that starts a TLS server for a host, its certificate expired or not."""
    servers: list[asyncio.Server] = []

    async def start(host: str = "127.0.0.1", *, expired: bool = False) -> Canned:
        certificate, key = _certificate(host, authority, expired=expired)
        path = tmp_path / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        answers = Canned()
        servers.append(await listen(answers, context))
        return answers

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def _certificate(name: str, issuer: Certificate | None, *, expired: bool = False) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 3 * day)
        .not_valid_after(now - day if expired else now + day)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    for extension in _of_authority() if issuer is None else _of_server(name, issuer):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def _of_authority() -> list[x509.ExtensionType]:
    """Return what Python 3.13 asks of an authority's certificate (VERIFY_X509_STRICT)."""
    return [x509.KeyUsage(**dict.fromkeys(_USES, False) | {"key_cert_sign": True})]


def _of_server(name: str, issuer: Certificate) -> list[x509.ExtensionType]:
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key())
    return [x509.SubjectAlternativeName([_alternative(name)]), signer]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
