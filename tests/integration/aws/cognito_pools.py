"""A user pool's other side for tests: it answers as Cognito does, with SRP done as the server does it."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import attrs

from adapters.aws.failures import AwsError
from adapters.cognito.pool import Pool

# Written once more, apart from the client's: what both have wrong alike would go unseen.
PRIME = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
    "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f"
    "83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510"
    "15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7"
    "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c"
    "bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
    16,
)

POOL = Pool("sa-east-1_aBcDeF123", "client1")


@attrs.define
class Kept:
    password: str
    permanent: bool = False
    groups: set[str] = attrs.field(factory=set)
    refresh_tokens: dict[str, str] = attrs.field(factory=dict)


@attrs.define
class FakePool:
    """A ``Call`` to it; ``asked`` are the requests in their order."""

    users: dict[str, Kept] = attrs.field(factory=dict)
    asked: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)
    salt: str = "b704a27deb8cf5efec43a40eac5b60d2"
    life: int = 900
    aliases: dict[str, str] = attrs.field(factory=dict)
    """Names that it takes for a user's."""
    pending: dict[str, tuple[str, str, int, int]] = attrs.field(factory=dict)
    before: dict[str, Any] = attrs.field(factory=dict)
    """What happens just before an operation is carried out; given the request, it may raise or answer."""

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        self.asked.append((operation, request))
        if operation in self.before and (answer := self.before[operation](request)) is not None:
            given: Mapping[str, Any] = answer
            return given
        answered: Mapping[str, Any] = getattr(self, f"_{operation}")(request)
        return answered

    def _AdminCreateUser(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the API's own name
        if request["Username"] in self.users:
            raise refused("UsernameExistsException")
        self.users[request["Username"]] = Kept(request["TemporaryPassword"])
        return {}

    def _AdminSetUserPassword(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the same
        user = self._user(request)
        user.password, user.permanent = request["Password"], request["Permanent"]
        return {}

    def _AdminAddUserToGroup(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the same
        self._user(request).groups.add(request["GroupName"])
        return {}

    def _AdminDeleteUser(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the same
        self._user(request)
        del self.users[request["Username"]]
        return {}

    def _InitiateAuth(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the same
        said = request["AuthParameters"]
        if request["AuthFlow"] == "REFRESH_TOKEN_AUTH":
            for name, user in self.users.items():
                if (session := user.refresh_tokens.get(said["REFRESH_TOKEN"])) is not None:
                    return {"AuthenticationResult": self._result(name, session)}
            raise refused("NotAuthorizedException")
        known = self.users.get(said["USERNAME"])
        # Nobody can answer for whom it does not know.
        verifier = pow(2, self._private(said["USERNAME"], known.password if known else secrets.token_hex()), PRIME)
        secret, block = secrets.randbits(256), base64.b64encode(secrets.token_bytes(600)).decode()
        public = (number(signed(PRIME), signed(2)) * verifier + pow(2, secret, PRIME)) % PRIME
        self.pending[block] = (said["USERNAME"], said["SRP_A"], secret, verifier)
        told = {"USERNAME": said["USERNAME"], "USER_ID_FOR_SRP": said["USERNAME"], "SALT": self.salt}
        return {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": {**told, "SRP_B": f"{public:x}", "SECRET_BLOCK": block},
        }

    def _RespondToAuthChallenge(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the same
        said = request["ChallengeResponses"]
        name, shown, secret, verifier = self.pending[said["PASSWORD_CLAIM_SECRET_BLOCK"]]
        known = self.users.get(name)
        if known is None or said["PASSWORD_CLAIM_SIGNATURE"] != self._proof(name, shown, secret, verifier, said):
            raise refused("NotAuthorizedException")
        if not known.permanent:
            return {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "x" * 20, "ChallengeParameters": {}}
        token, session = secrets.token_urlsafe(900), secrets.token_hex(16)
        known.refresh_tokens[token] = session
        return {"AuthenticationResult": {**self._result(name, session), "RefreshToken": token}}

    def _proof(self, name: str, shown: str, secret: int, verifier: int, said: Mapping[str, str]) -> str:
        public = (number(signed(PRIME), signed(2)) * verifier + pow(2, secret, PRIME)) % PRIME
        mixed = number(signed(int(shown, 16)), signed(public))
        shared = pow(int(shown, 16) * pow(verifier, mixed, PRIME), secret, PRIME)
        extracted = hmac.digest(signed(mixed), signed(shared), "sha256")
        key = hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
        block = base64.b64decode(said["PASSWORD_CLAIM_SECRET_BLOCK"])
        message = f"aBcDeF123{name}".encode() + block + said["TIMESTAMP"].encode()
        return base64.b64encode(hmac.digest(key, message, "sha256")).decode()

    def _private(self, name: str, password: str) -> int:
        return number(signed(int(self.salt, 16)), sha256(f"aBcDeF123{name}:{password}".encode()).digest())

    def _result(self, name: str, session: str) -> dict[str, Any]:
        claims = json.dumps({"username": name, "origin_jti": session, "sub": "another name"}).encode()
        said = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
        return {"AccessToken": f"header.{said}.{secrets.token_hex(8)}", "ExpiresIn": self.life, "TokenType": "Bearer"}

    def _user(self, request: Mapping[str, Any]) -> Kept:
        if request["Username"] not in self.users:
            raise refused("UserNotFoundException")
        return self.users[request["Username"]]


def refused(code: str) -> AwsError:
    return AwsError("cognito-idp", "any", code, 400)


def signed(value: int) -> bytes:
    """As Java's ``BigInteger.toByteArray`` writes a positive number."""
    digits = f"{value:x}"
    even = digits.zfill(len(digits) + len(digits) % 2)
    return bytes.fromhex(even if even[0] in "01234567" else f"00{even}")


def number(*parts: bytes) -> int:
    return int(sha256(b"".join(parts)).hexdigest(), 16)
