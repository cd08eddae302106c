"""Our access tokens count, and nothing else does: the verifier, its issuer and its keys."""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import attrs
import jwt
import pytest

from adapters.tokens import CLIENT_ID, ISSUER, KeySet, open_issuer, open_verifier
from attack_tokens import by_rsa, good_claims, hostile_tokens, new_key, part, public_jwk, token
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Claims, Session
from telemed_core.errors import UnauthenticatedError, UnavailableError
from telemed_core.ports.services import Tokens
from telemed_core.testing.builders import MONDAY

USER, SESSION = AccountId("user-1"), SessionId("session-1")
NOW: Final = int(MONDAY.timestamp())
KEY, PREVIOUS, STRANGE, SMALL = new_key(), new_key(), new_key(), new_key(1024)
KID: Final = public_jwk(KEY)["kid"]
HEADER: Final = {"alg": "RS256", "kid": KID, "typ": "JWT"}
CLAIMS: Final = good_claims(issuer=ISSUER, client_id=CLIENT_ID, username=USER, session_id=SESSION, now=MONDAY)
GOOD: Final = token(HEADER, CLAIMS, by_rsa(KEY))
HOSTILE: Final = dict(
    hostile_tokens(
        private_key_pem=KEY,
        kid=KID,
        issuer=ISSUER,
        client_id=CLIENT_ID,
        username=USER,
        session_id=SESSION,
        now=MONDAY,
    )
)


@attrs.define
class Source:
    """An issuer's key set on a network that can fail, and the seconds that pass."""

    keys: list[Any] = attrs.field(factory=lambda: [public_jwk(KEY)])
    now: float = 1_000.0
    fails: bool = False
    fetches: int = 0

    def fetch(self) -> Mapping[str, Any]:
        self.fetches += 1
        if self.fails:
            raise UnavailableError
        return {"keys": [*self.keys]}

    def seconds(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def key_set(source: Source) -> KeySet:
    return KeySet(source.fetch, seconds=source.seconds)


@pytest.fixture
def tokens(key_set: KeySet) -> Tokens:
    return open_verifier(key_set, issuer=ISSUER, client_ids=["another-of-ours", CLIENT_ID])


def saying(**members: Any) -> str:
    return token(HEADER, {**CLAIMS, **members}, by_rsa(KEY))


def headed(**members: Any) -> str:
    return token({**HEADER, **members}, CLAIMS, by_rsa(KEY))


def takes(tokens: Tokens, text: str) -> bool:
    try:
        claims = tokens.verify(text, now=MONDAY)
    except UnauthenticatedError:
        return False
    assert claims == Claims(USER, SESSION)
    return True


def test_a11_there_are_38_hostile_tokens() -> None:
    assert len(HOSTILE) == 38
    assert len(set(HOSTILE.values())) == 38


@pytest.mark.parametrize("name", HOSTILE)
def test_a11_a_hostile_token_is_refused(tokens: Tokens, name: str) -> None:
    assert takes(tokens, GOOD)
    with pytest.raises(UnauthenticatedError) as refused:
        tokens.verify(HOSTILE[name], now=MONDAY)
    assert refused.value.args == UnauthenticatedError().args


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD, id="as it was given"),
        pytest.param(token({"kid": KID, "alg": "RS256"}, CLAIMS, by_rsa(KEY)), id="without a type"),
        pytest.param(saying(client_id="another-of-ours"), id="for the other client"),
        pytest.param(saying(iat=NOW - 929, exp=NOW - 29), id="expired within the leeway"),
        pytest.param(saying(iat=NOW + 30, exp=NOW + 930), id="issued within the leeway"),
        pytest.param(saying(nbf=NOW + 30), id="beginning within the leeway"),
        pytest.param(saying(iat=NOW, exp=NOW + 900), id="of the longest life"),
        pytest.param(saying(another="claim", of={"any": ["shape", 1.5]}), id="saying more"),
    ],
)
def test_a_token_that_breaks_no_rule_counts(tokens: Tokens, text: str) -> None:
    assert takes(tokens, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(saying(more="x" * 8_000), id="too long"),
        pytest.param(GOOD + "." + part(b"x"), id="four parts"),
        pytest.param(GOOD.rpartition(".")[0], id="two parts"),
        pytest.param(GOOD.rpartition(".")[0] + ".", id="empty signature"),
        pytest.param(GOOD.replace(".", "..", 1), id="empty part"),
        pytest.param(GOOD + "A", id="a length that no bytes have"),
        pytest.param(GOOD.replace("-", "+").replace("_", "/"), id="another alphabet"),
        pytest.param(token(b"[]", CLAIMS, by_rsa(KEY)), id="header a list"),
        pytest.param(token(b"{" * 2_000, CLAIMS, by_rsa(KEY)), id="header no JSON"),
        pytest.param(token(b'{"alg":' + b"[" * 3_000, CLAIMS, by_rsa(KEY)), id="header too deep"),
        pytest.param(token(b'{"alg":"RS256","kid":' + b"9" * 5_000 + b"}", CLAIMS, by_rsa(KEY)), id="kid huge"),
        pytest.param(headed(kid=None), id="kid null"),
        pytest.param(headed(kid=["x"]), id="kid a list"),
        pytest.param(headed(kid="\ud800"), id="kid half a character"),
        pytest.param(headed(typ="at+jwt"), id="another type"),
        pytest.param(headed(typ=["JWT"]), id="type a list"),
        pytest.param(headed(b64=True), id="b64"),
        pytest.param(headed(x5c=[]), id="x5c"),
        pytest.param(headed(cty="JWT"), id="cty"),
        pytest.param(token(HEADER, b"[1]", by_rsa(KEY)), id="claims a list"),
        pytest.param(token(HEADER, b"\xff\xfe", by_rsa(KEY)), id="claims no text"),
        pytest.param(token(HEADER, json.dumps(CLAIMS).encode("utf-16"), by_rsa(KEY)), id="claims in UTF-16"),
        pytest.param(
            token(HEADER, b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(), by_rsa(KEY)), id="claims with a mark"
        ),
        pytest.param(saying(more=float("nan")), id="no number"),
        pytest.param(saying(more=float("-inf")), id="no finite number"),
        pytest.param(token(HEADER, b"[" * 5_000, by_rsa(KEY)), id="claims too deep"),
        pytest.param(saying(exp=10**400, iat=10**400), id="a time that floats do not reach"),
        pytest.param(saying(exp=-(10**400)), id="a time long before"),
        pytest.param(saying(iat=NOW, exp=NOW + 901), id="a second too long a life"),
        pytest.param(saying(iat=NOW - 930, exp=NOW - 30), id="expired by the leeway"),
        pytest.param(saying(iat=NOW + 31, exp=NOW + 900), id="issued past the leeway"),
        pytest.param(saying(iat=NOW - 10.5), id="issue with a fraction"),
        pytest.param(saying(iat=False), id="issue false"),
        pytest.param(saying(exp=None), id="expiry null"),
        pytest.param(saying(nbf=NOW + 31), id="beginning past the leeway"),
        pytest.param(saying(nbf=NOW, iat=NOW + 31, exp=NOW + 900), id="beginning before it is issued"),
        pytest.param(saying(nbf="now"), id="beginning in words"),
        pytest.param(saying(nbf=True), id="beginning true"),
        pytest.param(saying(nbf=None), id="beginning null"),
        pytest.param(saying(iss=[ISSUER]), id="issuers"),
        pytest.param(saying(iss=None), id="issuer null"),
        pytest.param(saying(token_use=["access"]), id="uses"),
        pytest.param(saying(token_use=None), id="use null"),
        pytest.param(saying(client_id=None), id="client null"),
        pytest.param(saying(sub=None, username=None), id="user null"),
        pytest.param(saying(sub="", username=""), id="user empty"),
        pytest.param(saying(sub="a/b", username="a/b"), id="user malformed"),
        pytest.param(saying(sub=[USER], username=[USER]), id="user a list"),
        pytest.param(saying(sub="another"), id="another subject"),
        pytest.param(saying(sub=USER.upper()), id="subject in another case"),
        pytest.param(saying(origin_jti=None), id="session null"),
        pytest.param(saying(origin_jti=""), id="session empty"),
        pytest.param(saying(origin_jti=[SESSION]), id="session a list"),
        pytest.param(saying(origin_jti=1), id="session a number"),
    ],
)
def test_a_token_that_breaks_a_rule_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        tokens.verify(text, now=MONDAY)


@pytest.mark.parametrize(
    "members", [{"alg": "HS256"}, {"alg": "none"}, {"typ": "ID"}, {"jku": "x"}, {"kid": "k" * 129}]
)
def test_no_key_is_looked_for_before_the_header_is_right(
    source: Source, tokens: Tokens, members: dict[str, Any]
) -> None:
    assert not takes(tokens, headed(**members))
    assert source.fetches == 0


@pytest.mark.parametrize(("length", "taken"), [(8 * 1024, True), (8 * 1024 + 1, False)])
def test_a_token_has_up_to_8_kib(tokens: Tokens, length: int, *, taken: bool) -> None:
    base = len(saying(more=""))
    texts = {
        len(text): text for text in (saying(more="x" * (3 * (length - base) // 4 + more)) for more in range(-3, 4))
    }
    assert takes(tokens, texts[length]) is taken


def test_a_name_of_a_key_has_up_to_128_characters(source: Source, tokens: Tokens) -> None:
    source.keys = [public_jwk(KEY, kid="k" * length) for length in (128, 129)]
    assert takes(tokens, headed(kid="k" * 128))
    assert not takes(tokens, headed(kid="k" * 129))


def test_a_token_from_later_than_now_counts_only_where_the_clock_may_have_been_set_back(key_set: KeySet) -> None:
    back = open_verifier(key_set, issuer=ISSUER, client_ids=[CLIENT_ID], future_issue_allowed=True)
    later = NOW + 90 * 86_400
    assert takes(back, saying(iat=later, exp=later + 900))
    assert not takes(back, saying(iat=later, exp=later + 901))
    assert not takes(back, HOSTILE["expired"])


# The issuer


def test_the_issuers_token_counts_and_says_what_cognitos_say(tokens: Tokens) -> None:
    issuer = open_issuer(KEY)
    session = Session.opened(SESSION, USER, password_rev=1, now=MONDAY - timedelta(days=2))
    text = issuer.access_token(session, now=MONDAY + timedelta(microseconds=1))
    assert takes(tokens, text)
    assert jwt.get_unverified_header(text) == HEADER
    said = jwt.decode(text, options={"verify_signature": False})
    assert said.pop("jti")
    assert said == {
        "sub": "user-1",
        "username": "user-1",
        "iss": "urn:telemed:issuer",
        "client_id": "telemed",
        "token_use": "access",
        "origin_jti": "session-1",
        "auth_time": NOW - 2 * 86_400,
        "iat": NOW,
        "exp": NOW + 900,
        "version": 2,
        "scope": "telemed",
    }


def test_two_tokens_of_the_same_second_differ() -> None:
    issuer, session = open_issuer(KEY), Session.opened(SESSION, USER, password_rev=1, now=MONDAY)
    assert issuer.access_token(session, now=MONDAY) != issuer.access_token(session, now=MONDAY)


def test_the_key_set_names_public_keys_by_their_thumbprints() -> None:
    assert open_issuer(KEY).jwks() == {"keys": [public_jwk(KEY)]}


def test_while_keys_are_rotated_tokens_under_both_count_and_new_ones_are_under_the_present(source: Source) -> None:
    issuer, session = open_issuer(KEY, previous=PREVIOUS), Session.opened(SESSION, USER, password_rev=1, now=MONDAY)
    assert issuer.jwks() == {"keys": [public_jwk(KEY), public_jwk(PREVIOUS)]}
    tokens = open_verifier(KeySet(issuer.jwks), issuer=ISSUER, client_ids=[CLIENT_ID])
    new, old = issuer.access_token(session, now=MONDAY), open_issuer(PREVIOUS).access_token(session, now=MONDAY)
    assert jwt.get_unverified_header(new)["kid"] == KID
    assert takes(tokens, new)
    assert takes(tokens, old)
    source.keys = [public_jwk(STRANGE)]
    assert not takes(open_verifier(KeySet(source.fetch), issuer=ISSUER, client_ids=[CLIENT_ID]), new)


@pytest.mark.parametrize(
    "name", ["signed by a stranger", "a key of its own in jwk", "other claims under the same signature"]
)
def test_another_library_finds_the_same_of_signatures(name: str) -> None:
    key = jwt.PyJWK(open_issuer(KEY).jwks()["keys"][0])
    options: Any = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(GOOD, key, algorithms=["RS256"], options=options) == CLAIMS
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(HOSTILE[name], key, algorithms=["RS256"], options=options)


# The key set


def test_keys_are_fetched_once_an_hour(source: Source, key_set: KeySet) -> None:
    first = key_set.get(KID)
    assert first is not None
    source.now += 3_599
    assert key_set.get(KID) is first
    assert source.fetches == 1
    source.now += 1
    assert key_set.get(KID) is not None
    assert source.fetches == 2


def test_a_withdrawn_key_is_good_for_an_hour_at_most(source: Source, key_set: KeySet) -> None:
    assert key_set.get(KID)
    source.keys = [public_jwk(PREVIOUS)]
    source.now += 3_600
    assert key_set.get(KID) is None


def test_unknown_keys_are_asked_for_once_in_30_seconds(source: Source, key_set: KeySet) -> None:
    assert key_set.get(KID)
    source.now += 29.9
    assert [key_set.get(f"unknown-{number}") for number in range(100)] == [None] * 100
    assert source.fetches == 1
    source.now += 0.1
    assert [key_set.get(f"unknown-{number}") for number in range(100)] == [None] * 100
    assert source.fetches == 2


def test_a_key_that_has_come_meanwhile_is_found(source: Source, key_set: KeySet) -> None:
    assert key_set.get(KID)
    source.keys.append(public_jwk(PREVIOUS, kid="new"))
    source.now += 30
    assert key_set.get("new")


def test_many_that_ask_at_once_fetch_once(source: Source) -> None:
    go_on = threading.Event()

    def slow() -> Mapping[str, Any]:
        assert go_on.wait(10)
        return source.fetch()

    key_set = KeySet(slow, seconds=source.seconds)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(key_set.get, KID) for _ in range(8)]
        go_on.set()
        assert all(one.result() for one in found)
    assert source.fetches == 1


def test_whoever_knows_an_old_key_does_not_wait_for_the_new_ones(source: Source) -> None:
    slow, asked, go_on = threading.Event(), threading.Event(), threading.Event()

    def fetch() -> Mapping[str, Any]:
        if slow.is_set():
            asked.set()
            assert go_on.wait(10)
        return source.fetch()

    key_set = KeySet(fetch, seconds=source.seconds)
    assert key_set.get(KID)
    slow.set()
    source.now += 3_600
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(key_set.get, KID)
        assert asked.wait(10)
        assert key_set.get(KID)
        assert not waiting.done()
        go_on.set()
        assert waiting.result()


def test_while_none_can_be_had_the_old_keys_are_good_for_a_day(source: Source, tokens: Tokens) -> None:
    assert takes(tokens, GOOD)
    source.fails = True
    source.now += 24 * 3_600 - 0.1
    assert takes(tokens, GOOD)
    assert source.fetches == 2
    source.now += 0.1
    for _ in range(100):
        with pytest.raises(UnavailableError):
            tokens.verify(GOOD, now=MONDAY)
    assert source.fetches == 2
    source.fails = False
    source.now += 30
    assert takes(tokens, GOOD)


def test_without_keys_from_the_start_it_cannot_be_said_whether_a_token_counts(source: Source, tokens: Tokens) -> None:
    source.fails = True
    with pytest.raises(UnavailableError):
        tokens.verify(GOOD, now=MONDAY)
    with pytest.raises(UnauthenticatedError):
        tokens.verify("no token at all", now=MONDAY)


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": ["x", None, 1]}])
def test_a_key_set_without_a_usable_key_counts_as_none(
    document: Mapping[str, Any],
) -> None:
    with pytest.raises(UnavailableError):
        KeySet(lambda: document).get(KID)


@pytest.mark.parametrize(
    "member",
    [
        public_jwk(KEY, alg="RS512"),
        public_jwk(KEY, alg=None),
        public_jwk(KEY, use="enc"),
        public_jwk(KEY, use=None),
        public_jwk(KEY, kty="oct", k="c2VjcmV0"),
        public_jwk(KEY, kty="EC"),
        public_jwk(KEY, n=None),
        public_jwk(KEY, n="not base64url!"),
        public_jwk(KEY, n="ég"),
        public_jwk(KEY, e=1),
        public_jwk(KEY, e="AA"),
        public_jwk(SMALL),
        {name: value for name, value in public_jwk(KEY).items() if name != "e"},
    ],
)
def test_only_rsa_keys_of_2048_bits_that_sign_rs256_are_taken(
    source: Source, key_set: KeySet, member: dict[str, Any]
) -> None:
    source.keys = [
        {**member, "kid": "unfit"},
        {**member, "kid": ["unfit"]},
        {**public_jwk(KEY), "kid": ["unfit"]},
        public_jwk(KEY),
    ]
    assert key_set.get("unfit") is None
    assert key_set.get(KID)


def test_a_private_key_in_a_key_set_is_taken_as_its_public_one(source: Source, key_set: KeySet) -> None:
    source.keys = [public_jwk(KEY, d="AQAB")]
    found = key_set.get(KID)
    assert found is not None
    assert not found.is_private
