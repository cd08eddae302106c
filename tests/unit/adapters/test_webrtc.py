"""Rooms that exist by their names alone: who finds them, whose tokens count, and what an attendee gets."""

import json
import re
from itertools import product
from typing import Any, Final

import pytest

from adapters.memory import open_memory
from adapters.tokens import CLIENT_ID, ISSUER, KeySet, open_issuer, open_verifier
from adapters.webrtc import LONGEST_TOKEN, IceServer, WebRtc, open_webrtc
from attack_tokens import by_hmac, by_rsa, new_key, part, token
from telemed_core.domain.ids import AccountId, AppointmentId, SessionId
from telemed_core.domain.meetings import AttendeeClaims, Meeting, Provider
from telemed_core.domain.sessions import REFRESH_LIFE, Claims, Session
from telemed_core.errors import NotFoundError, UnauthenticatedError
from telemed_core.ports.meetings import AttendeeTokens, MeetingRooms, Signals
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts import AttendeeTokensContract, MeetingRoomsContract

OLDEST, OLD, NEW = (bytes([number]) * 32 for number in (1, 2, 3))
VISIT, DOCTOR, PATIENT = AppointmentId("visit-1"), AccountId("doctor-1"), AccountId("patient-1")
HEADER: Final = {"alg": "HS256", "typ": "attendee+jwt"}
RSA: Final = new_key()
TURN: Final = IceServer(urls=("turn:turn.example",), username="clinic", credential="hunter2")


@pytest.fixture
def signals() -> Signals:
    return open_memory().signals


@pytest.fixture
def rooms(signals: Signals) -> WebRtc:
    return by_keys(signals, NEW)


@pytest.fixture
def tokens(rooms: WebRtc) -> AttendeeTokens:
    return rooms


def by_keys(signals: Signals, *keys: bytes) -> WebRtc:
    return open_webrtc(keys=keys, ice_servers=(), signals=signals)


def a_meeting(rooms: MeetingRooms, visit: AppointmentId = VISIT, *, generation: int = 1) -> Meeting:
    return Meeting(visit, generation, rooms.create(visit, generation=generation).id)


def token_of(rooms: MeetingRooms, meeting: Meeting | None = None, account: AccountId = PATIENT) -> str:
    return str(rooms.admit(meeting or a_meeting(rooms), account).details["token"])


class TestRoomsByWebRtc(MeetingRoomsContract):
    pass


class TestTokensByWebRtc(AttendeeTokensContract):
    pass


# Rooms


def test_a_room_is_of_this_provider_and_anybody_may_know_all_of_it(rooms: WebRtc) -> None:
    room = rooms.create(VISIT, generation=1)
    assert (room.provider, room.details) == (Provider.WEBRTC, {})


def test_processes_with_the_same_keys_agree_without_having_met(signals: Signals) -> None:
    here, there = by_keys(signals, NEW), by_keys(signals, NEW)
    meeting = a_meeting(here)
    assert there.create(VISIT, generation=1) == here.find(meeting) == there.find(meeting)
    assert there.admit(meeting, PATIENT) == here.admit(meeting, PATIENT)


def test_no_two_names_are_alike_and_none_tells_of_whom_it_is(signals: Signals) -> None:
    people = [DOCTOR, PATIENT]
    visits = [VISIT, *map(AppointmentId, ("visit-1-1", "visit-11", "visit-2"))]
    opened = [by_keys(signals, key) for key in (OLD, NEW)]
    meetings = [
        (rooms, a_meeting(rooms, visit, generation=generation))
        for rooms, visit, generation in product(opened, visits, (1, 2, 11))
    ]
    attendees = [rooms.admit(meeting, person).id for rooms, meeting in meetings for person in people]
    names = [*(meeting.id for _, meeting in meetings), *attendees]
    assert len(set(names)) == len(names) == 24 * 3
    # 160 bits under a key.
    assert all(re.fullmatch("[a-z2-7]{32}", name) for name in names)


def test_a_room_is_over_when_its_log_is_closed_whoever_closed_it(signals: Signals, rooms: WebRtc) -> None:
    meeting = a_meeting(rooms)
    signals.close(meeting.id)
    assert rooms.find(meeting) is None
    other = a_meeting(rooms, generation=2)
    rooms.end(other)
    assert signals.is_closed(other.id)


@pytest.mark.parametrize("said", [{"generation": 2}, {"appointment_id": AppointmentId("visit-2")}])
def test_a_room_is_found_for_its_own_visit_and_generation_alone(rooms: WebRtc, said: dict[str, Any]) -> None:
    meeting = a_meeting(rooms)
    wrong = Meeting(**{"appointment_id": VISIT, "generation": 1, "id": meeting.id, **said})
    assert rooms.find(wrong) is None
    with pytest.raises(NotFoundError):
        rooms.admit(wrong, PATIENT)


# Rotation


def test_while_keys_are_rotated_a_room_lives_on_with_everybodys_way_in(signals: Signals) -> None:
    before, rotating = by_keys(signals, OLD), by_keys(signals, NEW, OLD)
    meeting = a_meeting(before)
    assert rotating.find(meeting) == before.find(meeting)
    assert rotating.admit(meeting, PATIENT) == before.admit(meeting, PATIENT)
    assert rotating.verify(token_of(before, meeting)) == AttendeeClaims(VISIT, meeting.id, PATIENT)


def test_new_rooms_are_made_under_the_new_key(signals: Signals) -> None:
    after, rotating = by_keys(signals, NEW), by_keys(signals, NEW, OLD)
    meeting = a_meeting(rotating)
    assert after.find(meeting) is not None
    assert after.verify(token_of(rotating, meeting)) == AttendeeClaims(VISIT, meeting.id, PATIENT)


def test_of_a_key_before_the_previous_one_nothing_is_left(signals: Signals) -> None:
    long_ago, rotating = by_keys(signals, OLDEST), by_keys(signals, NEW, OLD)
    meeting = a_meeting(long_ago)
    assert rotating.find(meeting) is None
    with pytest.raises(NotFoundError):
        rotating.admit(meeting, PATIENT)
    with pytest.raises(UnauthenticatedError):
        rotating.verify(token_of(long_ago, meeting))


# Tokens


def forger(rooms: WebRtc) -> bytes:
    """The very key of the tokens: what these tests write is signed as it should be."""
    return rooms._keys[0]._tokens.raw_value


def claims_of(meeting: Meeting) -> dict[str, Any]:
    return {"appointment": VISIT, "meeting": meeting.id, "account": PATIENT}


def test_a_token_is_three_claims_signed_by_hs256(rooms: WebRtc) -> None:
    claims = claims_of(a_meeting(rooms))
    assert token_of(rooms) == token(HEADER, claims, by_hmac(forger(rooms)))


def test_what_is_made_under_a_key_is_made_under_three(rooms: WebRtc) -> None:
    key = rooms._keys[0]
    assert len({NEW, key._rooms, key._attendees, key._tokens.raw_value}) == 4


def test_the_longest_ids_make_a_token_that_counts(rooms: WebRtc) -> None:
    visit, person = AppointmentId("v" * 64), AccountId("p" * 64)
    meeting = a_meeting(rooms, visit)
    assert rooms.verify(token_of(rooms, meeting, person)) == AttendeeClaims(visit, meeting.id, person)


def headed(header: bytes | dict[str, Any], sign: Any = by_hmac) -> Any:
    return lambda rooms, claims: token(header, claims, sign(forger(rooms)))


def saying(said: Any) -> Any:
    return lambda rooms, claims: token(HEADER, said(claims), by_hmac(forger(rooms)))


def written(change: Any) -> Any:
    return lambda rooms, claims: change(token(HEADER, claims, by_hmac(forger(rooms))))


def by_another(secret: bytes) -> Any:
    return lambda rooms, claims: token(HEADER, claims, by_hmac(secret))


def unsigned(_: bytes) -> Any:
    return lambda content: b""


def by_rs256(_: bytes) -> Any:
    return by_rsa(RSA)


def compact(claims: dict[str, Any]) -> str:
    return json.dumps(claims, separators=(",", ":"))


def an_access_token(*_: Any) -> str:
    session = Session(id=SessionId("s-1"), account_id=PATIENT, expires_at=MONDAY + REFRESH_LIFE, password_rev=1)
    return open_issuer(RSA).access_token(session, now=MONDAY)


ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def next_letter(text: str, place: int) -> str:
    """The text with another spelling of the same bits at its end, where the last letter has some left over."""
    letter = ALPHABET[ALPHABET.index(text[place]) ^ 1]
    return text[:place] + letter + text[place:][1:]


HOSTILE: Final[dict[str, Any]] = {
    "of another key": by_another(bytes(32)),
    "of the secret that keys are made from": by_another(NEW),
    "of no key": by_another(b""),
    "of the key that rooms are named by": lambda rooms, claims: by_another(rooms._keys[0]._rooms)(rooms, claims),
    "alg none, unsigned": headed({**HEADER, "alg": "none"}, unsigned),
    "alg none, signed": headed({**HEADER, "alg": "none"}),
    "alg none, in another case": headed({**HEADER, "alg": "nOnE"}, unsigned),
    "unsigned": lambda rooms, claims: token(HEADER, claims, unsigned(b"")),
    "alg RS256, by RSA": headed({**HEADER, "alg": "RS256"}, by_rs256),
    "alg RS256, by our key": headed({**HEADER, "alg": "RS256"}),
    "alg HS256, by RSA": headed(HEADER, by_rs256),
    "alg HS512": headed({**HEADER, "alg": "HS512"}),
    "alg missing": headed({"typ": HEADER["typ"]}),
    "alg null": headed({**HEADER, "alg": None}),
    "alg a list": headed({**HEADER, "alg": ["HS256"]}),
    "another type": headed({**HEADER, "typ": "JWT"}),
    "no type": headed({"alg": "HS256"}),
    "header in another order": headed({"typ": HEADER["typ"], "alg": "HS256"}),
    "header with spaces": headed(json.dumps(HEADER).encode()),
    "header with its algorithm twice": headed(b'{"alg":"none","alg":"HS256","typ":"attendee+jwt"}'),
    "header no JSON": headed(b"{"),
    "header a list": headed(b"[]"),
    "header too deep": headed(b'{"alg":' + b"[" * 200),
    "with a jwk": headed({**HEADER, "jwk": {"kty": "oct", "k": part(b"k" * 32)}}),
    "with a jku": headed({**HEADER, "jku": "https://evil.example/keys"}),
    "with a kid": headed({**HEADER, "kid": "../../dev/null"}),
    "with a x5c": headed({**HEADER, "x5c": ["MIIB"]}),
    "with a crit": headed({**HEADER, "crit": ["exp"], "exp": 1}),
    "with an empty crit": headed({**HEADER, "crit": []}),
    "with b64": headed({**HEADER, "b64": False, "crit": ["b64"]}),
    "with zip": headed({**HEADER, "zip": "DEF"}),
    "a claim missing": saying(lambda claims: {name: claims[name] for name in ("appointment", "meeting")}),
    "a claim more": saying(lambda claims: {**claims, "exp": 1}),
    "a claim twice": saying(lambda claims: f'{{"account":"a",{compact(claims)[1:]}'.encode()),
    "claims in another order": saying(lambda claims: dict(reversed(claims.items()))),
    "claims with spaces": saying(lambda claims: json.dumps(claims).encode()),
    "claims with escapes": saying(lambda claims: compact(claims).replace("visit", r"\u0076isit").encode()),
    "claims behind a mark": saying(lambda claims: b"\xef\xbb\xbf" + compact(claims).encode()),
    "claims in another encoding": saying(lambda claims: compact(claims).encode("utf-16")),
    "a number for an id": saying(lambda claims: {**claims, "account": 1}),
    "null for an id": saying(lambda claims: {**claims, "meeting": None}),
    "a list for an id": saying(lambda claims: {**claims, "appointment": [VISIT]}),
    "no id": saying(lambda claims: {**claims, "account": "../x"}),
    "an empty id": saying(lambda claims: {**claims, "account": ""}),
    "a list": saying(lambda claims: b"[]"),
    "a text": saying(lambda claims: b'"x"'),
    "a number": saying(lambda claims: b"1"),
    "null": saying(lambda claims: b"null"),
    "nothing": saying(lambda claims: b""),
    "no JSON": saying(lambda claims: b"{"),
    "no UTF-8": saying(lambda claims: b"\xff"),
    "too deep": saying(lambda claims: b"[" * 290),
    "NaN": saying(lambda claims: b'{"appointment":NaN}'),
    "too long": saying(lambda claims: {**claims, "account": "a" * 400}),
    "100 kB of a claim": saying(lambda claims: {**claims, "account": "a" * 100_000}),
    "100 kB": written(lambda good: good + "A" * 100_000),
    "100 kB of points": written(lambda good: good + "." * 100_000),
    "cut at its end": written(lambda good: good[:-1]),
    "cut at its beginning": written(lambda good: good[1:]),
    "without its signature": written(lambda good: good.rpartition(".")[0] + "."),
    "two parts": written(lambda good: good.rpartition(".")[0]),
    "four parts": written(lambda good: good + ".AAAA"),
    "detached": written(lambda good: re.sub(r"\..*\.", "..", good)),
    "padded": written(lambda good: good + "="),
    "a letter more": written(lambda good: good + "A"),
    "spelt otherwise at the signature's end": written(lambda good: next_letter(good, -1)),
    "a newline behind": written(lambda good: good + "\n"),
    "a newline before": written(lambda good: "\n" + good),
    "a newline within": written(lambda good: good.replace(".", ".\n", 1)),
    "a space behind": written(lambda good: good + " "),
    "a NUL behind": written(lambda good: good + "\0"),
    "as a header has it": written(lambda good: "Bearer " + good),
    "in capitals": written(str.upper),
    "another alphabet": written(lambda good: good.replace(".", "+", 1)),
    "not ASCII": written(lambda good: good[:-1] + "é"),
    "another point": written(lambda good: good.replace(".", "。")),
    "another A": written(lambda good: good.replace("J", "\uff2a", 1)),
    "half a character": written(lambda good: good + "\ud800"),
    "an access token": an_access_token,
    "empty": lambda *_: "",
    "points": lambda *_: "..",
    "JSON": lambda rooms, claims: json.dumps({"protected": part(HEADER), "payload": part(claims), "signature": "AAAA"}),
}  # fmt: skip - one line each


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_refused_and_is_told_nothing(rooms: WebRtc, name: str) -> None:
    claims = claims_of(a_meeting(rooms))
    hostile = HOSTILE[name](rooms, claims)
    assert hostile != token_of(rooms)
    with pytest.raises(UnauthenticatedError) as refused:
        rooms.verify(hostile)
    assert refused.value.args == UnauthenticatedError().args
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_token_changed_anywhere_is_refused(rooms: WebRtc) -> None:
    good = token_of(rooms)
    for place, letter in enumerate(good):
        changed = good[:place] + ("A" if letter != "A" else "B") + good[place + 1 :]
        with pytest.raises(UnauthenticatedError):
            rooms.verify(changed)


def test_of_a_token_that_is_too_long_or_has_another_header_nothing_is_read(
    rooms: WebRtc, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(text: str, *_: Any, **__: Any) -> Any:
        read.append(text)
        raise ValueError

    monkeypatch.setattr("adapters.webrtc.jws.deserialize_compact", reading)
    beginning = token_of(rooms).partition(".")[0] + "."
    for length in (LONGEST_TOKEN, LONGEST_TOKEN + 1):
        with pytest.raises(UnauthenticatedError):
            rooms.verify(beginning.ljust(length, "A"))
    for other in (beginning.upper(), "A" * 100, f".{beginning}"):
        with pytest.raises(UnauthenticatedError):
            rooms.verify(other)
    assert [len(text) for text in read] == [LONGEST_TOKEN]


def test_nothing_shows_keys_tokens_or_passwords(signals: Signals) -> None:
    rooms = open_webrtc(keys=[NEW], ice_servers=[TURN], signals=signals)
    attendee = rooms.admit(a_meeting(rooms), PATIENT)
    shown = f"{rooms!r} {attendee!r} {TURN!r}"
    for secret in ("hunter2", attendee.details["token"], repr(NEW), repr(forger(rooms)), repr(rooms._keys[0]._rooms)):
        assert secret not in shown


def test_an_attendees_token_is_no_access_token(rooms: WebRtc) -> None:
    issuer = open_issuer(RSA)
    tokens = open_verifier(KeySet(issuer.jwks), issuer=ISSUER, client_ids=[CLIENT_ID])
    assert tokens.verify(an_access_token(), now=MONDAY) == Claims(PATIENT, SessionId("s-1"))
    with pytest.raises(UnauthenticatedError):
        tokens.verify(token_of(rooms), now=MONDAY)


# ICE servers


def test_an_attendee_gets_the_ice_servers_as_a_browser_takes_them(signals: Signals) -> None:
    stun = IceServer(urls=("stun:a.example", "stun:b.example:3478"))
    rooms = open_webrtc(keys=[NEW], ice_servers=[stun, TURN], signals=signals)
    assert rooms.admit(a_meeting(rooms), PATIENT).details["ice_servers"] == [
        {"urls": ["stun:a.example", "stun:b.example:3478"]},
        {"urls": ["turn:turn.example"], "username": "clinic", "credential": "hunter2"},
    ]


def test_without_ice_servers_there_are_none(rooms: WebRtc) -> None:
    assert rooms.admit(a_meeting(rooms), PATIENT).details["ice_servers"] == []
