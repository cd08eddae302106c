"""What people write: cleaned on the way in, and kept apart from everything that is logged or sent."""

import unicodedata
from typing import Final

import attrs

from telemed_core.domain.ids import Id
from telemed_core.errors import InvalidError

REASON_MIN: Final = 3
REASON_MAX: Final = 500

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str, *, field: str, least: int = 0, most: int, lines: bool = False) -> str:
    """``text`` in NFC without outer white space.

    Args:
        least: fewest characters allowed, after cleaning.
        most: most characters allowed, after cleaning.
        lines: whether line breaks and tabs are allowed.

    Raises:
        InvalidError: too short, too long, or with control characters, bidirectional overrides or lone surrogates.
    """
    if len(text) > 4 * most + 64:
        raise InvalidError(field, f"must have at most {most} characters")
    for char in text:
        if char in _BIDI_CONTROLS or (unicodedata.category(char) in {"Cc", "Cs"} and not (lines and char in "\n\r\t")):
            raise InvalidError(field, "has characters that cannot be shown")
    cleaned = unicodedata.normalize("NFC", text).strip()
    if len(cleaned) < least:
        raise InvalidError(field, f"must have at least {least} characters")
    if len(cleaned) > most:
        raise InvalidError(field, f"must have at most {most} characters")
    return cleaned


def reason(text: str, *, field: str = "reason", least: int = REASON_MIN) -> str:
    """A justification: 3–500 characters, or at least ``least`` of them."""
    return clean(text, field=field, least=least, most=REASON_MAX, lines=True)


@attrs.frozen
class TextKey:
    """Where a text is kept: what it belongs to, and the event's ``seq``; 0: of a block, or of a visit's rating."""

    owner: Id
    seq: int


@attrs.frozen
class Text:
    """One text and its key; never printed."""

    key: TextKey
    body: str = attrs.field(repr=False)
