"""A password is proved to Cognito as its own clients prove it: the same numbers give the same proof."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from hashlib import shake_256

import attrs
import pytest

from adapters.cognito import srp
from adapters.cognito.srp import Challenge, Exchange, N, timestamp
from integration.aws.cognito_pools import PRIME, number, signed

POOL_ID = "sa-east-1_aBcDeF123"
AT = "Mon Jun 1 09:05:07 UTC 2026"


@attrs.frozen
class Vector:
    """What pycognito 2024.5.1, another client, makes of numbers that are drawn from the vector's own."""

    number: int
    user: str
    password: str
    public: str
    proof: str
    public_size: int = 384
    first_of_salt: int | None = None

    def drawn(self, what: str, size: int) -> bytes:
        return shake_256(f"{what}{self.number}".encode()).digest(size)

    @property
    def exchange(self) -> Exchange:
        return Exchange.begin(lambda bits: int.from_bytes(self.drawn("a", bits // 8)))

    @property
    def challenge(self) -> Challenge:
        salt = bytearray(self.drawn("salt", 16))
        salt[0] = salt[0] if self.first_of_salt is None else self.first_of_salt
        return Challenge.of(
            {
                "USER_ID_FOR_SRP": self.user,
                "SALT": salt.hex(),
                "SRP_B": f"{int.from_bytes(self.drawn('B', self.public_size)) % N:x}",
                "SECRET_BLOCK": base64.b64encode(self.drawn("block", 900)).decode(),
            }
        )


VECTORS = {
    "as most are": Vector(
        0, "user-1", "correct horse battery staple", "3494ff1332f0a8ce", "RpW5evIxo5K8lzI0HOrX9dMox348r4ryIId5ekUU6Uk="
    ),
    "letters of any kind, and the highest bit of the salt set": Vector(
        1,
        "0b2c9e5e-6a0e-4f0b-9d5c-6f0f3c2f1a77",
        "passphrase with ünï¢ode – 🫀",
        "7d0ff290454effcf",
        "VOb6ancOWSi53qBkAYPL0t/+IRyI9dk0A4WacOYl60c=",
        first_of_salt=0x80,
    ),
    "a salt that begins with a zero": Vector(
        2, "u", "x" * 128, "1f023dc89d33061a", "gtczVz00aHq0PbE0RaqWuJd570vhNPBT3sru4PK14ys=", first_of_salt=1
    ),
    "a public number shorter than the group": Vector(
        3, "user-2", "another long passphrase", "4943cca0766b7ae2", "PqHgwmJG+gGGVaxuAT88o2DB2I2/PcaE3O4qOnCQT9k=", 300
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_same_numbers_give_the_proof_of_another_client(name: str) -> None:
    vector = VECTORS[name]
    assert vector.exchange.public.startswith(vector.public)
    proof = vector.exchange.proof(vector.challenge, pool_id=POOL_ID, password=vector.password, timestamp=AT)
    assert proof == vector.proof


@pytest.mark.parametrize(
    "changed",
    [
        {"pool_id": "sa-east-1_aBcDeF124"},
        {"password": "correct horse battery stapl"},
        {"timestamp": AT.replace("07", "08")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_proof_is_of_one_pool_one_password_and_one_time(changed: dict[str, str]) -> None:
    vector = VECTORS["as most are"]
    said = {"pool_id": POOL_ID, "password": vector.password, "timestamp": AT, **changed}
    assert vector.exchange.proof(vector.challenge, **said) != vector.proof


@pytest.mark.parametrize(
    "changed",
    [{"user_id": "user-2"}, {"salt": 5}, {"public": 7}, {"secret_block": "AAAA"}],
    ids=lambda one: next(iter(one)),
)
def test_a_proof_is_of_one_challenge(changed: dict[str, object]) -> None:
    vector = VECTORS["as most are"]
    other = attrs.evolve(vector.challenge, **changed)
    assert vector.exchange.proof(other, pool_id=POOL_ID, password=vector.password, timestamp=AT) != vector.proof


def test_the_secret_is_another_one_each_time_and_does_not_show() -> None:
    first, second = Exchange.begin(), Exchange.begin()
    assert first.public != second.public
    assert 2**255 <= first._secret < 2**256
    assert str(first._secret) not in repr(first)


def test_of_the_secret_no_bit_is_missing_even_if_chance_says_zero() -> None:
    assert Exchange.begin(lambda _: 0)._secret == 2**255


@pytest.mark.parametrize("public", [0, N, 2 * N, -N])
def test_a_public_number_that_gives_the_key_away_is_not_answered(public: int) -> None:
    vector = VECTORS["as most are"]
    with pytest.raises(ValueError, match="gives its secret away"):
        vector.exchange.proof(
            attrs.evolve(vector.challenge, public=public), pool_id=POOL_ID, password="any", timestamp=AT
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SALT", ""),
        ("SALT", "0x1"),
        ("SALT", "1_0"),
        ("SALT", " 1"),
        ("SRP_B", "g"),
        ("SRP_B", "1" * 801),
        ("SALT", "٣"),
    ],
)
def test_what_is_no_number_is_no_challenge(name: str, value: str) -> None:
    good = {"USER_ID_FOR_SRP": "user-1", "SALT": "1f", "SRP_B": "2f", "SECRET_BLOCK": "AAAA"}
    assert Challenge.of(good).salt == 0x1F
    with pytest.raises(ValueError, match="number"):
        Challenge.of({**good, name: value})
    with pytest.raises(ValueError, match="missing"):
        Challenge.of({one: said for one, said in good.items() if one != name})


@pytest.mark.parametrize("block", ["é", "AA*AA", "AAA", "AAAA\n"])
def test_a_block_that_is_no_base64_is_not_signed(block: str) -> None:
    vector = VECTORS["as most are"]
    with pytest.raises(ValueError, match="Base64"):
        vector.exchange.proof(
            attrs.evolve(vector.challenge, secret_block=block), pool_id=POOL_ID, password="any", timestamp=AT
        )


def test_a_salt_with_a_minus_sign_as_unknown_users_have_had_is_answered_like_any() -> None:
    vector = VECTORS["as most are"]
    proof = vector.exchange.proof(attrs.evolve(vector.challenge, salt=-5), pool_id=POOL_ID, password="p", timestamp=AT)
    assert len(base64.b64decode(proof)) == 32


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "0080"),
        (255, "00ff"),
        (256, "0100"),
        (-1, "ff"),
        (-128, "80"),
        (-129, "ff7f"),
    ],
)
def test_numbers_are_written_as_java_writes_them(value: int, written: str) -> None:
    assert srp._bytes(value).hex() == written


def test_the_group_and_its_multiplier_are_those_of_the_other_side() -> None:
    assert N == PRIME
    assert number(signed(PRIME), signed(2)) == srp._MULTIPLIER


def test_the_time_is_written_in_english_and_utc_whatever_the_locale() -> None:
    nine = datetime(2026, 6, 1, 9, 5, 7, tzinfo=UTC)
    assert timestamp(nine) == AT
    assert timestamp(nine.astimezone(timezone(timedelta(hours=-3)))) == AT
    assert timestamp(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == "Thu Dec 31 23:59:59 UTC 2026"
