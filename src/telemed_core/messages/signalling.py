"""The frames of signalling: what comes in over a WebSocket, and what is sent."""

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue
from pydantic_core import from_json, to_json

from telemed_core.domain.signals import Signal, SignalKind
from telemed_core.errors import InvalidError
from telemed_core.messages.fields import Request
from telemed_core.messages.parsing import parse_json

LONGEST_DATA: Final = 64 * 1024
"""Bytes that a message's data may have, as JSON without blanks in UTF-8."""

LONGEST_FRAME: Final = 2 * LONGEST_DATA
"""Bytes of a frame that are looked at at all: with the blanks and the escapes that a client may write."""

LONGEST_TOKEN: Final = 4096


class _Hello(Request):
    type: Literal["hello"]
    token: Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN)]


class _Message(Request):
    type: Literal["offer", "answer", "candidate", "bye"]
    data: JsonValue = None


def parse_hello(text: str) -> str:
    """The token with which somebody comes in.

    Raises:
        InvalidError: it is no greeting.
    """
    return parse_json(_Hello, text.encode(errors="surrogatepass")).token


def parse_signal(text: str) -> tuple[SignalKind, str]:
    """What is said, and its data as JSON; how long these are is the caller's to look at.

    Raises:
        InvalidError: it is not JSON, or no message.
    """
    message = parse_json(_Message, text.encode(errors="surrogatepass"))
    data = to_json(message.data)
    try:
        # A number such as 1e400 is JSON, and infinite here: there is no way to pass it on.
        from_json(data, allow_inf_nan=False)
    except ValueError:
        raise InvalidError("data", "has a number that is too big") from None
    return SignalKind(message.type), data.decode()


def signal_text(signal: Signal) -> str:
    """A message, as the other side gets it."""
    return f'{{"type":"{signal.kind}","data":{signal.data}}}'


def peer_text(*, present: bool) -> str:
    """Whether the other side is there."""
    return f'{{"type":"peer","present":{"true" if present else "false"}}}'
