"""Access tokens that must never count (A11 of the attack list), and the tools to write such."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

Signer = Callable[[bytes], bytes]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def new_key(bits: int = 2048) -> bytes:
    """A new RSA private key, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def part(content: bytes | Mapping[str, Any]) -> str:
    """One part of a token: unpadded base64url, of JSON where it is no bytes."""
    plain = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def token(header: bytes | Mapping[str, Any], claims: bytes | Mapping[str, Any], sign: Signer) -> str:
    """The two, signed, whatever they are."""
    content = f"{part(header)}.{part(claims)}"
    return f"{content}.{part(sign(content.encode()))}"


def by_rsa(private_key_pem: bytes, digest: HashAlgorithm | None = None) -> Signer:
    """Signs as RS256 says, or with another digest."""
    key = _loaded(private_key_pem)
    return lambda content: key.sign(content, padding.PKCS1v15(), digest or SHA256())


def by_hmac(secret: bytes) -> Signer:
    """Signs as HS256 says."""
    return lambda content: hmac.digest(secret, content, "sha256")


def public_jwk(private_key_pem: bytes, **members: Any) -> dict[str, Any]:
    """The key's public part, as it stands in a key set; ``members`` added or in place of its own."""
    numbers = _loaded(private_key_pem).public_key().public_numbers()
    n, e = (part(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
    return {"kty": "RSA", "kid": thumbprint(n=n, e=e), "alg": "RS256", "use": "sig", "n": n, "e": e, **members}


def thumbprint(*, n: str, e: str) -> str:
    """RFC 7638, spelt out."""
    return part(hashlib.sha256(f'{{"e":"{e}","kty":"RSA","n":"{n}"}}'.encode()).digest())


def good_claims(
    *, issuer: str, client_id: str, username: str, session_id: str, now: datetime, subject: str | None = None
) -> dict[str, Any]:
    """What an access token says that was given a minute ago; ``subject``: where it calls the user otherwise as well."""
    issued_at = int(now.timestamp()) - 60
    return {
        "sub": subject or username,
        "username": username,
        "iss": issuer,
        "client_id": client_id,
        "token_use": "access",
        "origin_jti": session_id,
        "jti": "jti-1",
        "auth_time": issued_at,
        "iat": issued_at,
        "exp": issued_at + 15 * 60,
        "version": 2,
        "scope": "telemed",
    }


def hostile_tokens(
    *,
    private_key_pem: bytes,
    kid: str,
    issuer: str,
    client_id: str,
    username: str,
    session_id: str,
    now: datetime,
    subject: str | None = None,
    refresh_token: str | None = None,
) -> list[tuple[str, str]]:
    """38 tokens by name, each one step from a good one, none good.

    Args:
        private_key_pem: the issuer's own: all but what a case is about is right.
        kid: the name of that key in the key set.
        subject: what the issuer calls the user in ``sub``; without it, as everywhere.
        refresh_token: one that is good; without it, what looks like one.
    """
    claims = good_claims(
        issuer=issuer, client_id=client_id, username=username, session_id=session_id, now=now, subject=subject
    )
    header = {"alg": "RS256", "kid": kid, "typ": "JWT"}
    seconds = int(now.timestamp())
    own, strange = by_rsa(private_key_pem), new_key()
    stranger, strange_jwk = by_rsa(strange), public_jwk(strange, kid=kid)
    key = _loaded(private_key_pem)
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    good = token(header, claims, own)
    signature = good.rpartition(".")[2]

    def by_pss(content: bytes) -> bytes:
        return key.sign(content, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())

    def headed(sign: Signer = own, **members: Any) -> str:
        return token({**header, **members}, claims, sign)

    def saying(**members: Any) -> str:
        return token(header, {**claims, **members}, own)

    def without(name: str) -> str:
        return token(header, {said: value for said, value in claims.items() if said != name}, own)

    def raw(text: str) -> str:
        """The claims, and this behind them in the same object."""
        return token(header, json.dumps(claims)[:-1].encode() + f", {text}}}".encode(), own)

    return [
        ("no algorithm and no signature", headed(lambda _: b"", alg="none")),
        ("no algorithm, in another case, and the good signature", headed(alg="nOnE")),
        ("HS256 under the public key", headed(by_hmac(public_pem), alg="HS256")),
        ("RS512 under the right key", headed(by_rsa(private_key_pem, SHA512()), alg="RS512")),
        ("PS256 under the right key", headed(by_pss, alg="PS256")),
        ("signed by a stranger", headed(stranger)),
        ("a key of its own in jwk", headed(stranger, jwk=strange_jwk)),
        ("a key set of its own in jku", headed(stranger, jku="https://attacker.example/keys")),
        ("a certificate of its own in x5u", headed(stranger, x5u="https://attacker.example/certificate")),
        ("crit", headed(crit=["exp"])),
        ("no kid", token({"alg": "RS256", "typ": "JWT"}, claims, own)),
        ("kid a number", headed(kid=1)),
        ("kid a path to an empty secret", headed(by_hmac(b""), alg="HS256", kid="../../../dev/null")),
        ("kid of no key", headed(kid="unknown")),
        ("kid with a NUL", headed(kid=f"{kid}\0")),
        ("kid too long", headed(kid=kid + "x" * 128)),
        ("the header twice of two minds", token(_twice(header, "alg", "none"), claims, own)),
        ("an ID token", token(header, _id_claims(claims), own)),
        ("an ID token that names its client", saying(token_use="id")),
        ("a refresh token", refresh_token or f"{session_id}.1.{'A' * 43}"),
        ("for another client", saying(client_id="another")),
        ("for a list of clients", saying(client_id=[client_id])),
        ("of another issuer", saying(iss=f"{issuer}/")),
        ("without an expiry", without("exp")),
        ("expired", saying(iat=seconds - 931, exp=seconds - 31)),
        ("an expiry with a fraction", saying(exp=seconds + 60.5)),
        ("an expiry in words", saying(exp=str(seconds + 60))),
        ("an expiry that is true", saying(exp=True)),
        ("issued in the future", saying(iat=seconds + 40, exp=seconds + 900)),
        ("good for ten years", saying(exp=seconds + 10 * 365 * 86_400)),
        ("without a time of issue", without("iat")),
        ("of another user than it names", saying(username="another")),
        ("of a session that cannot be", saying(origin_jti="../" + session_id)),
        ("padded", f"{good}{'=' * (-len(signature) % 4)}"),
        ("with a new line behind it", f"{good}\n"),
        ("the signature in another spelling", good[:-1] + _ALPHABET[_ALPHABET.index(good[-1]) ^ 1]),
        ("other claims under the same signature", f"{part(header)}.{part({**claims, 'sub': 'x'})}.{signature}"),
        ("the claims twice of two minds", raw(f'"username": "{username}", "sub": "{username}"')),
    ]


def _id_claims(claims: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in claims.items() if name not in ("client_id", "scope", "username")}
    return {**kept, "token_use": "id", "aud": claims["client_id"], "cognito:username": claims["username"]}


def _twice(content: Mapping[str, str], name: str, other: str) -> bytes:
    """The object with one key twice: first of another value, then of its own."""
    return f'{{"{name}": "{other}", {json.dumps(content)[1:]}'.encode()


def _loaded(private_key_pem: bytes) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(private_key_pem, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
