"""Ids, specialties, decisions and consents are read from text, or refused by name."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain.doctor import Decision
from telemed_core.domain.ids import DoctorId, Id
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Language
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import InvalidError
from telemed_core.testing.strategies import doctor_ids


@settings(max_examples=30)
@given(doctor_ids())
def test_a_well_formed_id_is_its_text(doctor_id: DoctorId) -> None:
    assert Id(str(doctor_id)) == doctor_id
    assert type(doctor_id) is DoctorId


@pytest.mark.parametrize("text", ["", "-a", "a b", "a/b", "a#b", "é", "a\n", "x" * 65, "\ud800", "a\0"])
def test_an_id_holds_nothing_that_a_key_or_a_log_could_stumble_over(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        Id(text)
    assert refused.value.fields[0].field == "id"


@pytest.mark.parametrize(
    ("parse", "good", "field"),
    [
        (Specialty.parse, "cardiology", "specialty"),
        (Decision.parse, "suspend", "decision"),
        (ConsentKind.parse, "telemedicine", "consents"),
    ],
)
@settings(max_examples=30)
@given(text=st.text(max_size=9))
def test_a_code_is_read_and_another_text_refused_by_name(
    parse: Callable[[str], Any], good: str, field: str, text: str
) -> None:
    assert parse(good) == good
    with pytest.raises(InvalidError) as refused:
        parse(f"{text}?")
    assert refused.value.fields[0].field == field


def test_every_specialty_has_a_name_in_both_languages() -> None:
    assert len(Specialty) == 55
    for language in Language:
        names = {specialty.named(language) for specialty in Specialty}
        assert len(names) == 55
        assert all(name[0].isupper() for name in names)
    assert Specialty.HEAD_NECK_SURGERY.named(Language.ENGLISH) == "Head neck surgery"
    assert Specialty.HEAD_NECK_SURGERY.named(Language.PORTUGUESE) == "Cirurgia de cabeça e pescoço"
