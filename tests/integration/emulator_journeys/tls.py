"""Authorities and certificates of a test, and a Postgres that takes encrypted connections alone, as RDS can.

The Postgres of the tests is built without TLS, so what ends TLS stands in front of it and speaks the protocol's first
messages. What is tested is the client's side of it, which is ours.
"""

import asyncio
import ipaddress
import ssl
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_SSL: Final = struct.pack(">II", 8, 80_877_103)
_GSS: Final = struct.pack(">II", 8, 80_877_104)
_REFUSED: Final = b"SFATAL\0C28000\0Mconnections have to be encrypted\0\0"
_A_DAY: Final = timedelta(days=1)


@attrs.frozen
class Authority:
    """A certificate authority."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, name: str) -> Self:
        key = ec.generate_private_key(ec.SECP256R1())
        basics = x509.BasicConstraints(ca=True, path_length=0)
        return cls(
            _built(name, name, key, key, _A_DAY).add_extension(basics, critical=True).sign(key, hashes.SHA256()), key
        )

    def trusted(self, folder: Path) -> Path:
        """The file by which a client trusts it."""
        path = folder / f"{self.certificate.serial_number}.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path

    def certified(self, folder: Path, *names: str, until: timedelta = _A_DAY) -> tuple[Path, Path]:
        """The certificate of a server of these names, good for so long from now on, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        built = _built(names[0], issuer, key, self.key, until).add_extension(
            x509.SubjectAlternativeName([_name(one) for one in names]), critical=False
        )
        made = built.sign(self.key, hashes.SHA256())
        certificate, private = folder / f"{made.serial_number}.crt", folder / f"{made.serial_number}.key"
        certificate.write_bytes(made.public_bytes(Encoding.PEM))
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, private


def _built(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    until: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _A_DAY)
        .not_valid_after(now + until)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class TlsFront:
    """Ends TLS in front of a Postgres; what comes without it is turned away."""

    def __init__(self, certificate: Path, key: Path, *, port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._behind = port
        self._ready, self._met, self._begun, self.port = Event(), list[str](), 0, 0
        self._thread = Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def met(self) -> Sequence[str]:
        """What became of connections: ``plain``, ``served``, or ``left`` by clients that said nothing."""
        until = time.monotonic() + 10
        while len(self._met) < self._begun:
            assert time.monotonic() < until
            time.sleep(0.01)
        return tuple(self._met)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._over.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begun += 1
        said = b""
        with suppress(OSError, asyncio.IncompleteReadError):
            if not await self._encrypted(reader, writer):
                self._met.append("plain")
                return
            # A client looks at the name in the certificate after the handshake, and before it says a word.
            said = await reader.read(1 << 16)
        self._met.append("served" if said else "left")
        with suppress(OSError):
            if said:
                await self._joined(said, reader, writer)
        writer.close()

    async def _encrypted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await reader.readexactly(8)
        while asked == _GSS:
            writer.write(b"N")
            asked = await reader.readexactly(8)
        if asked != _SSL:
            writer.write(b"E" + struct.pack(">I", 4 + len(_REFUSED)) + _REFUSED)
            await writer.drain()
            writer.close()
            return False
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(self._context)
        return True

    async def _joined(self, said: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._behind)
        ours.write(said)
        try:
            await asyncio.gather(_poured(reader, ours), _poured(theirs, writer))
        finally:
            ours.close()


async def _poured(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
