"""Which ICE servers may be configured: what browsers take, and nothing that they would stumble over."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from adapters.webrtc import IceServer, parse_ice_servers
from telemed_core.errors import InvalidError

LIST: Final = 'must be a JSON list such as [{"urls": "stun:stun.example:3478"}]'
MEMBERS: Final = "server 1 must be an object of urls, and of username and credential where it asks for them"
URLS: Final = "server 1: urls must be an address, or a list of 1 to 10"
URL: Final = "server 1: each of urls must be stun:HOST[:PORT], stuns:…, turn:… or turns:…"
TRANSPORT: Final = "server 1: only turn: and turns: have a transport"
BOTH: Final = "server 1 must have both username and credential, which turn: and turns: cannot do without"
TEXTS: Final = "server 1: username and credential must be texts of 1 to 508 bytes"

ADDRESSES: Final = """
stun:a stun:a.example stun:a-b.example:3478 stun:10.0.0.1:1 stun:[::1] stuns:[2001:db8::1]:5349 turn:t.example
turns:t.example:65535 turn:t.example?transport=udp turns:t.example:5349?transport=tcp
""".split()
NO_ADDRESSES: Final = """
secret stun: stun STUN:a http://a stun://a stun:a: stun:a:x stun:a:0 stun:a:65536 stun:a:123456 stun:a:٣
stun:me:secret@a stun:me@a stun:a/b stun:a#b turn:a?secret turn:a?transport=sctp turn:a?transport=udp&x=1
stun:saúde.example stun:a..b stun:.a stun:a. stun:-a stun:a-.b stun:a_b stun:::1 stun:[::1 stun:[::g]
stun:[1::2::3] stun:[10.0.0.1]
""".split()
WHITE: Final = ("", " stun:a", "stun:a ", "stun:a\n")
LONG: Final = (f"stun:{'a' * 64}", f"stun:{'.'.join(['a' * 50] * 6)}")
NOTHING: Final[tuple[Any, ...]] = (None, 1, [])


def turn(**members: Any) -> dict[str, Any]:
    return {"urls": "turn:turn.example", "username": "clinic", "credential": "hunter2", **members}


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([], ()),
        ([{"urls": "stun:a"}], (IceServer(urls=("stun:a",)),)),
        ([{"urls": "stun:a", "username": None, "credential": None}], (IceServer(urls=("stun:a",)),)),
        ([turn()], (IceServer(urls=("turn:turn.example",), username="clinic", credential="hunter2"),)),
        (
            [turn(urls=["stun:b", "turn:b"]), {"urls": ["stun:a"]}],
            (
                IceServer(urls=("stun:b", "turn:b"), username="clinic", credential="hunter2"),
                IceServer(urls=("stun:a",)),
            ),
        ),
    ],
)
def test_a_list_is_read_in_its_order(servers: Any, expected: tuple[IceServer, ...]) -> None:
    assert parse_ice_servers(json.dumps(servers)) == expected


@pytest.mark.parametrize("url", ADDRESSES)
def test_each_address_may_be_a_servers(url: str) -> None:
    assert parse_ice_servers(json.dumps([turn(urls=url)]))[0].urls == (url,)


def test_there_may_be_ten_of_ten_addresses_with_long_passwords() -> None:
    one = turn(urls=["stun:a"] * 10, username="ç" * 254, credential="c" * 508)
    expected = IceServer(urls=("stun:a",) * 10, username="ç" * 254, credential="c" * 508)
    assert parse_ice_servers(json.dumps([one] * 10)) == (expected,) * 10


def wrong() -> Iterator[tuple[str, str]]:
    """What is refused, as text, and how."""
    for text in ("secret", "", "[", "{}", "null", '"stun:a"', "1", "[" * 5_000, "\ud800", "[NaN]", "[] []"):
        yield text, LIST
    yield json.dumps([{"urls": "stun:a"}] * 11), "must be at most 10 servers"
    for one, message in wrong_servers():
        yield json.dumps([one]), message
    yield json.dumps([{"urls": "stun:a"}] * 2 + [{"urls": "turn:a"}]), BOTH.replace("1", "3")


def wrong_servers() -> Iterator[tuple[Any, str]]:
    objects: tuple[Any, ...] = ({}, {"url": "stun:a"}, {"urls": "stun:a", "secret": 1}, turn(x=None))
    for members in (*NOTHING, "stun:a", *objects):
        yield members, MEMBERS
    for addresses in (*NOTHING, {}, ["stun:a"] * 11):
        yield turn(urls=addresses), URLS
    for url in (*NO_ADDRESSES, *WHITE, *LONG, None, 1, ["stun:a"]):
        yield turn(urls=["turn:turn.example", url]), URL
    for url in ("stun:a?transport=udp", "stuns:a?transport=tcp"):
        yield turn(urls=url), TRANSPORT
    for urls in ("turn:a", "turns:a", ["stun:a", "turn:a"]):
        yield {"urls": urls}, BOTH
    for name in ("username", "credential"):
        yield turn(**{name: None}), BOTH
        yield {"urls": "stun:a", name: "secret"}, BOTH
        for text in ("", 1, ["secret"], "secret\n", "a\0", "c" * 509, "ç" * 255):
            yield turn(**{name: text}), TEXTS


@pytest.mark.parametrize(("text", "message"), list(wrong()))
def test_anything_else_is_refused_by_its_place_and_not_echoed(text: str, message: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_ice_servers(text)
    assert [(one.field, one.message) for one in refused.value.fields] == [("ice_servers", message)]
    assert "secret" not in str(refused.value)
