"""The frames of signalling: what is taken, what is refused, and what is sent."""

import json
from typing import Any

import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.signals import Signal, SignalKind
from telemed_core.errors import InvalidError
from telemed_core.messages.signalling import LONGEST_TOKEN, parse_hello, parse_signal, peer_text, signal_text

SAID = [SignalKind.OFFER, SignalKind.ANSWER, SignalKind.CANDIDATE, SignalKind.BYE]
NOT_JSON = ["", "{", '{"type":"bye"', "bye", "{'type':'bye'}", '{"type":"bye","type":"bye"}', "\ud800", "[" * 100_000]


def a_signal(kind: SignalKind, data: str) -> Signal:
    return Signal(
        meeting_id=MeetingId("meeting"), seq=7, side=Side.DOCTOR, connection=ConnectionId("one"), kind=kind, data=data
    )


def test_a_greeting_is_its_token() -> None:
    assert parse_hello('{"type": "hello", "token": "a.b.c"}') == "a.b.c"


@pytest.mark.parametrize(
    "text",
    [
        *NOT_JSON,
        "null",
        '"hello"',
        '["hello", "token"]',
        '{"type": "hello"}',
        '{"token": "a"}',
        '{"type": "offer", "token": "a"}',
        '{"type": "hello", "token": ""}',
        '{"type": "hello", "token": null}',
        '{"type": "hello", "token": 7}',
        '{"type": "hello", "token": "a", "data": null}',
        json.dumps({"type": "hello", "token": "a" * (LONGEST_TOKEN + 1)}),
    ],
)
def test_what_is_no_greeting_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_hello(text)


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize(
    "data",
    [None, True, 0, -1.5, 10**30, "", "a\r\nb\u2028\0é😀", [], {}, [[{"a": [None]}]], {"sdp": "v=0", "type": "offer"}],
)
def test_what_is_said_is_sent_as_it_was(kind: SignalKind, data: Any) -> None:
    for text in (
        json.dumps({"type": kind, "data": data}),
        json.dumps({"data": data, "type": kind}, ensure_ascii=False, indent=2),
    ):
        said, kept = parse_signal(text)
        assert said is kind
        assert json.loads(kept) == data
        assert json.loads(signal_text(a_signal(said, kept))) == {"type": kind, "data": data}


def test_data_may_be_left_out_and_are_kept_without_blanks() -> None:
    assert parse_signal('{"type": "bye"}') == (SignalKind.BYE, "null")
    assert parse_signal('{"type": "bye", "data": {"\\u00e9" : [1 , 2.0]}}') == (SignalKind.BYE, '{"é":[1,2.0]}')


@pytest.mark.parametrize(
    "text",
    [
        *NOT_JSON,
        "null",
        "[]",
        '"bye"',
        "{}",
        '{"type": "hello", "token": "a"}',
        '{"type": "peer", "present": true}',
        '{"type": "entered"}',
        '{"type": "left"}',
        '{"type": "closed"}',
        '{"type": "OFFER"}',
        '{"type": null}',
        '{"type": ["offer"]}',
        '{"type": "offer", "data": 1, "to": "all"}',
        '{"type": "offer", "data": NaN}',
        '{"type": "offer", "data": -Infinity}',
        '{"type": "offer", "data": 1e400}',
        '{"type": "offer", "data": [{"a": -1e400}]}',
        '{"type": "offer", "data": {"a": 1, "a": 2}}',
        '{"type": "offer", "data": "\\ud800"}',
        '{"type": "offer", "data": ' + "9" * 5000 + "}",
        '{"type": "offer", "data": ' + "[" * 40 + "]" * 40 + "}",
    ],
)
def test_what_is_no_message_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_signal(text)
    assert "1e400" not in str(refused.value)


def test_whether_the_other_side_is_there_is_said_in_json() -> None:
    assert json.loads(peer_text(present=True)) == {"type": "peer", "present": True}
    assert json.loads(peer_text(present=False)) == {"type": "peer", "present": False}
