"""The contracts of ``Identity`` and ``Sealing``."""

import pytest

from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password
from telemed_core.errors import InvalidError, UnavailableError
from telemed_core.ports.services import Identity, Sealing
from telemed_core.testing.builders import a_password

USER = AccountId("user-1")
OTHER = Password("another long passphrase")


class IdentityContract:
    """The adapter's own class adds the fixture ``identity``: without users."""

    def test_only_the_users_own_password_is_right(self, identity: Identity) -> None:
        identity.create(USER, a_password())
        assert identity.check(USER, a_password())
        assert not identity.check(USER, OTHER)
        assert not identity.check(AccountId("user-2"), a_password())
        assert not identity.check(None, a_password())

    def test_making_a_user_again_sets_the_password(self, identity: Identity) -> None:
        identity.create(USER, a_password())
        identity.create(USER, OTHER)
        assert identity.check(USER, OTHER)
        assert not identity.check(USER, a_password())

    def test_a_common_password_is_refused_by_name(self, identity: Identity) -> None:
        with pytest.raises(InvalidError) as refused:
            identity.create(USER, Password("password1234"))
        assert refused.value.fields[0].field == "password"
        assert not identity.check(USER, Password("password1234"))

    def test_a_removed_user_is_forgotten_and_an_unknown_one_too(self, identity: Identity) -> None:
        identity.create(USER, a_password())
        identity.remove(USER)
        identity.remove(USER)
        assert not identity.check(USER, a_password())


class SealingContract:
    """The adapter's own class adds the fixture ``sealing``."""

    @pytest.mark.parametrize("plain", ["", "a", "dor no peito — à noite 🫀", "x" * 5000])
    def test_what_was_sealed_is_unsealed_in_its_context(self, sealing: Sealing, plain: str) -> None:
        assert sealing.unseal(sealing.seal(plain, context="here"), context="here") == plain

    def test_sealing_again_gives_other_bytes_without_the_text(self, sealing: Sealing) -> None:
        first, second = sealing.seal("a cough", context="here"), sealing.seal("a cough", context="here")
        assert first != second
        assert b"cough" not in first

    def test_a_sealed_text_moved_to_another_context_is_not_unsealed(self, sealing: Sealing) -> None:
        with pytest.raises(UnavailableError):
            sealing.unseal(sealing.seal("a cough", context="here"), context="there")

    def test_a_sealed_text_that_was_changed_is_not_unsealed(self, sealing: Sealing) -> None:
        sealed = sealing.seal("a cough", context="here")
        for place in range(len(sealed)):
            changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
            with pytest.raises(UnavailableError):
                sealing.unseal(changed, context="here")
        for length in range(len(sealed)):
            with pytest.raises(UnavailableError):
                sealing.unseal(sealed[:length], context="here")

    def test_an_index_depends_on_space_and_value_alone(self, sealing: Sealing) -> None:
        index = sealing.index("patient:cpf", "52998224725")
        assert index == sealing.index("patient:cpf", "52998224725")
        assert index != sealing.index("doctor:cpf", "52998224725")
        assert index != sealing.index("patient:cpf", "52998224726")
        assert len(index) == 43
        assert "52998224725" not in index
