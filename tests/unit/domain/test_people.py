"""What identifies people is parsed so that two spellings are one value, and nothing else is taken."""

import pytest
from hypothesis import given, settings

from telemed_core.domain.people import FEDERATIVE_UNITS, Cpf, Crm, EmailAddress, Language, Password, person_name
from telemed_core.errors import InvalidError
from telemed_core.testing.strategies import cpfs, crms, emails


@settings(max_examples=30)
@given(cpfs())
def test_a_cpf_is_one_value_bare_or_masked_and_never_shows_itself(cpf: Cpf) -> None:
    digits = cpf.digits
    assert Cpf.parse(digits) == Cpf.parse(f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}") == cpf
    assert digits not in f"{cpf} {cpf!r}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5299822472",
        "529982247255",
        "529.98224725",
        "52998224724",
        "52998224735",
        "11111111111",
        "5299822472x",
        "５２９９８２２４７２５",
        "٥٢٩٩٨٢٢٤٧٢٥",
        "529.982.247-25\n",
        " 52998224725",
        "52998224725\x00",
        "�",
    ],  # data
)
def test_what_is_no_cpf_is_refused_by_name_and_not_echoed(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        Cpf.parse(text)
    assert refused.value.fields[0].field == "cpf"
    assert not text or text not in str(refused.value)


def test_known_check_digits() -> None:
    assert [Cpf.check_digits(nine) for nine in ("529982247", "000000001", "123456789")] == ["25", "91", "09"]


@settings(max_examples=30)
@given(crms())
def test_a_crm_is_read_back_from_its_text_whatever_the_case_and_leading_zeros(crm: Crm) -> None:
    assert Crm.parse(str(crm)) == Crm.parse(str(crm).lower()) == crm
    assert Crm.parse(f"{crm.number:0>7}-{crm.unit}") == crm


def test_there_are_27_states() -> None:
    assert len(FEDERATIVE_UNITS) == 27


@pytest.mark.parametrize(
    "text", ["", "123456", "SP", "123456-XX", "123456SP", "0-SP", "12345678-SP", "-1-SP", "１２-SP", "12-SP\n"]
)
def test_what_is_no_crm_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        Crm.parse(text)
    assert refused.value.fields[0].field == "crm"


@settings(max_examples=30)
@given(emails())
def test_an_address_is_one_value_whatever_the_case(email: EmailAddress) -> None:
    assert EmailAddress.parse(f" {email.address.upper()} ") == email
    assert str(email) == email.address
    assert email.address not in repr(email)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "someone",
        "@example.com",
        "a@b",
        "a b@example.com",
        "a@-example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@example.com\n",
        "ä@example.com",
        "a@exämple.com",
        f"{'a' * 65}@example.com",
        f"a@{'b.' * 126}com",
        "a@b.c",
    ],  # data
)
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        EmailAddress.parse(text)
    assert refused.value.fields[0].field == "email"


def test_a_password_is_taken_as_it_is_and_never_shown() -> None:
    password = Password.parse("  correct horse  ")
    assert password.secret == "  correct horse  "
    assert "horse" not in f"{password} {password!r}"


@pytest.mark.parametrize("text", ["x" * 11, "x" * 129, "long enough \0", "long enough \ud800"])
def test_a_password_that_cannot_be_used_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        Password.parse(text)
    assert refused.value.fields[0].field == "password"


@pytest.mark.parametrize("text", ["x" * 12, "x" * 128])
def test_passwords_of_12_to_128_characters_are_taken(text: str) -> None:
    assert Password.parse(text).secret == text


def test_a_name_has_single_spaces_and_a_letter() -> None:
    assert person_name("  Ana   Lima ") == "Ana Lima"
    for text in ("A", "123", "", "--", "Ana\nLima", "x" * 121):
        with pytest.raises(InvalidError) as refused:
            person_name(text)
        assert refused.value.fields[0].field == "name"


def test_a_language_is_one_of_two() -> None:
    assert [Language.parse(text) for text in ("pt-BR", "en")] == list(Language)
    with pytest.raises(InvalidError) as refused:
        Language.parse("de")
    assert refused.value.fields[0].field == "language"
