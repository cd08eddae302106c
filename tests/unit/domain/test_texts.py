"""What people write is cleaned, bounded and never printed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.texts import Text, TextKey, clean, reason
from telemed_core.errors import InvalidError


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60))
def test_cleaning_again_changes_nothing(text: str) -> None:
    try:
        once = clean(text, field="name", most=200)
    except InvalidError:
        assert set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    else:
        assert clean(once, field="name", most=200) == once


def test_two_spellings_of_one_letter_are_one_text() -> None:
    assert clean(" e\u0301 ", field="name", most=9) == "é"


@pytest.mark.parametrize("char", ["\0", "\x1b", "\x7f", "\u202e", "\u2066", "\ud800"])
def test_characters_that_cannot_be_shown_are_refused(char: str) -> None:
    with pytest.raises(InvalidError) as refused:
        clean(f"a{char}b", field="name", most=9, lines=True)
    assert refused.value.fields[0].field == "name"


def test_lines_are_allowed_where_said() -> None:
    assert clean("a\nb\tc", field="x", most=9, lines=True) == "a\nb\tc"
    with pytest.raises(InvalidError):
        clean("a\nb", field="x", most=9)


@pytest.mark.parametrize("text", ["ab", "  ab  ", "x" * 501, "x" * 5000, ""])
def test_a_justification_has_3_to_500_characters(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        reason(text)
    assert refused.value.fields[0].field == "reason"
    assert reason("abc") == "abc"
    assert reason("é" * 500) == "é" * 500
    assert reason("a", least=1) == "a"


def test_a_text_never_shows_itself() -> None:
    assert "a cough" not in repr(Text(TextKey(AppointmentId("a-1"), 1), "a cough"))
