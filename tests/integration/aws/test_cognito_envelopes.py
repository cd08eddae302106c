"""Refresh tokens with Cognito's own in them: ours alone, to the last bit, and they do not show what they have."""

import base64
import re

import pytest

from adapters.cognito.envelopes import Envelopes, Opened
from telemed_core.domain.ids import SessionId
from telemed_core.errors import UnauthenticatedError

KEY, PREVIOUS = b"r" * 32, b"p" * 32
CONTENT = Opened(SessionId("5c7b1d0e-8f43-4b1c-9f3d-2a6b7c8d9e0f"), 3, "eyJ.cognitos-own.token" * 80)
OURS = Envelopes((KEY, PREVIOUS))


def test_what_was_sealed_is_opened() -> None:
    assert OURS.open(OURS.seal(CONTENT)) == CONTENT


def test_the_same_content_gives_the_same_token_and_another_generation_another() -> None:
    assert OURS.seal(CONTENT) == Envelopes((KEY,)).seal(CONTENT)
    next_one = OURS.seal(Opened(CONTENT.session_id, 4, CONTENT.cognitos))
    # Nothing of one is in the other.
    assert next_one.rpartition(".")[2][:40] != OURS.seal(CONTENT).rpartition(".")[2][:40]


def test_cognitos_own_token_does_not_show() -> None:
    token = OURS.seal(CONTENT)
    sealed = token.rpartition(".")[2]
    assert b"cognitos-own" not in base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    assert "cognitos-own" not in token + repr(CONTENT)
    assert re.fullmatch("[A-Za-z0-9._-]+", token)


def test_a_token_under_the_key_before_is_taken_and_under_no_other() -> None:
    assert OURS.open(Envelopes((PREVIOUS,)).seal(CONTENT)) == CONTENT
    with pytest.raises(UnauthenticatedError):
        OURS.open(Envelopes((b"s" * 32,)).seal(CONTENT))
    with pytest.raises(UnauthenticatedError):
        Envelopes((KEY,)).open(Envelopes((PREVIOUS,)).seal(CONTENT))


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_token_has_one_spelling(length: int) -> None:
    token = OURS.seal(Opened(SessionId("s"), 1, "x" * length))
    assert OURS.open(token).cognitos == "x" * length
    for place in range(len(token)):
        for other in "AB_x.7=":
            if token[place] != other:
                with pytest.raises(UnauthenticatedError):
                    OURS.open(token[:place] + other + token[place + 1 :])


def test_it_is_bound_to_its_session_and_generation() -> None:
    _, _, sealed = OURS.seal(CONTENT).split(".")
    for bound in (f"{CONTENT.session_id}.4", f"{CONTENT.session_id}.03", "another.3"):
        with pytest.raises(UnauthenticatedError):
            OURS.open(f"{bound}.{sealed}")


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.1.", "a.1." + "A" * 5463, "a.1." + "A" * 22, "\ud800", "é.1." + "A" * 22]
)
def test_what_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        OURS.open(text)
