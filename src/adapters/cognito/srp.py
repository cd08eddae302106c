"""The client's side of SRP as Cognito speaks it: a password is proved and never sent.

It is SRP-6a in the 3072-bit group of RFC 5054, but with generator 2, SHA-256, numbers as Java writes them (big-endian
two's complement, as short as can be), a key of 16 bytes by HKDF, and a proof that binds a time and a block of the
server's. Every length and order here is the protocol's, and none may be changed.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self

import attrs

N: Final = int(
    """
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD
    EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED
    EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F
    83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B
    E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510
    15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7
    ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C
    BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF
    """.replace(" ", "").replace("\n", ""),
    16,
)
G: Final = 2
SECRET_BITS: Final = 256
"""Of the exponent: as many as RFC 5054 asks for, for the group's own strength; each of them costs time."""

_KEY_BYTES: Final = 16
_KEY_LABEL: Final = b"Caldera Derived Key\x01"
_DAYS: Final = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# The salt of a user that does not exist has been seen with a minus sign.
_HEX: Final = re.compile(r"-?[0-9A-Fa-f]{1,800}").fullmatch


@attrs.frozen
class Challenge:
    """What Cognito asks after it was told a name.

    Attributes:
        user_id: the name that the proof is about, which Cognito says.
        secret_block: Cognito's own, in Base64, to be sent back as it came.
    """

    user_id: str
    salt: int
    public: int
    secret_block: str = attrs.field(repr=False)

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Self:
        """The challenge that these parameters of ``PASSWORD_VERIFIER`` are.

        Raises:
            ValueError: they are none.
        """
        try:
            given = [parameters[name] for name in ("USER_ID_FOR_SRP", "SALT", "SRP_B", "SECRET_BLOCK")]
        except KeyError:
            raise ValueError("a parameter is missing") from None
        return cls(given[0], _number(given[1]), _number(given[2]), given[3])


@attrs.frozen
class Exchange:
    """One sign-in's own secret: good for one proof."""

    _secret: int = attrs.field(repr=False)

    @classmethod
    def begin(cls, bits: Callable[[int], int] = secrets.randbits) -> Self:
        """A new one."""
        return cls(bits(SECRET_BITS) | 1 << (SECRET_BITS - 1))

    @property
    def public(self) -> str:
        """What Cognito is told first: ``SRP_A``."""
        return f"{pow(G, self._secret, N):x}"

    def proof(self, challenge: Challenge, *, pool_id: str, password: str, timestamp: str) -> str:
        """The ``PASSWORD_CLAIM_SIGNATURE``, in Base64.

        Raises:
            ValueError: the challenge is one that no honest server sends.
        """
        pool = pool_id.partition("_")[2]
        block = _block(challenge.secret_block)
        key = self._key(challenge, _digest(f"{pool}{challenge.user_id}:{password}".encode()))
        said = b"".join((pool.encode(), challenge.user_id.encode(), block, timestamp.encode()))
        return base64.b64encode(hmac.digest(key, said, "sha256")).decode("ascii")

    def _key(self, challenge: Challenge, identity: bytes) -> bytes:
        mixed = _hash(_bytes(pow(G, self._secret, N)), _bytes(challenge.public))
        if challenge.public % N == 0 or mixed == 0:
            raise ValueError("the server's number gives its secret away")
        private = _hash(_bytes(challenge.salt), identity)
        base = (challenge.public - _MULTIPLIER * pow(G, private, N)) % N
        shared = pow(base, self._secret + mixed * private, N)
        extracted = hmac.digest(_bytes(mixed), _bytes(shared), "sha256")
        return hmac.digest(extracted, _KEY_LABEL, "sha256")[:_KEY_BYTES]


def timestamp(at: datetime) -> str:
    """The time as Cognito reads it: English whatever the locale, the day without a leading zero."""
    at = at.astimezone(UTC)
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day} {at:%H:%M:%S} UTC {at.year}"


def _number(text: str) -> int:
    if not _HEX(text):
        raise ValueError("not a number in hexadecimal")
    return int(text, 16)


def _block(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("not Base64") from None


def _bytes(number: int) -> bytes:
    return number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, "big", signed=True)


def _digest(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def _hash(*parts: bytes) -> int:
    return int.from_bytes(_digest(*parts), "big")


_MULTIPLIER: Final = _hash(_bytes(N), _bytes(G))
