"""Sealing beside its contract: keys that rotate, and what the bytes are."""

import base64
import hmac

import pytest

from adapters.sealing import open_sealing
from telemed_core.errors import UnavailableError

PEPPER, OLD, NEW = b"p" * 32, b"o" * 32, b"n" * 32


def test_a_text_under_the_previous_key_is_unsealed_while_keys_rotate_and_not_after() -> None:
    sealed = open_sealing(pepper=PEPPER, data_key=OLD).seal("a cough", context="here")
    rotating = open_sealing(pepper=PEPPER, data_key=NEW, previous=OLD)
    assert rotating.unseal(sealed, context="here") == "a cough"
    with pytest.raises(UnavailableError, match="not configured"):
        open_sealing(pepper=PEPPER, data_key=NEW).unseal(sealed, context="here")


def test_what_is_sealed_while_keys_rotate_needs_the_present_key_alone() -> None:
    sealed = open_sealing(pepper=PEPPER, data_key=NEW, previous=OLD).seal("a cough", context="here")
    assert open_sealing(pepper=PEPPER, data_key=NEW).unseal(sealed, context="here") == "a cough"


def test_the_key_is_named_by_the_first_bytes_and_each_text_has_a_nonce_of_its_own() -> None:
    sealing = open_sealing(pepper=PEPPER, data_key=NEW)
    sealed = [sealing.seal("", context="here") for _ in range(100)]
    assert {len(one) for one in sealed} == {4 + 12 + 16}
    assert len({one[:4] for one in sealed}) == 1
    assert len({one[4:16] for one in sealed}) == 100
    assert sealed[0][:4] not in NEW


def test_an_index_is_the_hmac_of_space_and_value_under_the_pepper_whatever_the_data_key() -> None:
    expected = base64.urlsafe_b64encode(hmac.digest(PEPPER, b"patient:cpf|52998224725", "sha256")).decode()[:43]
    for key in (OLD, NEW):
        assert open_sealing(pepper=PEPPER, data_key=key).index("patient:cpf", "52998224725") == expected
    assert open_sealing(pepper=OLD, data_key=NEW).index("patient:cpf", "52998224725") != expected


def test_the_keys_are_not_shown() -> None:
    shown = repr(open_sealing(pepper=PEPPER, data_key=NEW, previous=OLD))
    assert not any(str(key)[2:10] in shown for key in (PEPPER, OLD, NEW))
