"""Signing in, by what the directory knows and how often it went wrong."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.sealing import open_sealing
from telemed_core.application.authenticating import Authenticate
from telemed_core.application.signing_in import ChangePassword, Guard, RefreshSession, SignIn, SignOut
from telemed_core.domain.accounts import Account
from telemed_core.domain.ids import SessionId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import SignedIn
from telemed_core.errors import (
    InvalidCredentialsError,
    InvalidError,
    TooManyAttemptsError,
    UnauthenticatedError,
)
from telemed_core.testing.builders import a_doctor, a_password, a_patient, a_reservation, an_administrator
from telemed_core.testing.doubles import MemoryTokens, SettableClock
from telemed_core.testing.wiring import Clinic

WRONG = "not the password at all"
ANOTHER = Password("another long passphrase")
HERE, ELSEWHERE = "198.51.100.1", "198.51.100.2"
MINUTE = timedelta(minutes=1)


@attrs.frozen
class Door:
    """A clinic's use cases of signing in."""

    clinic: Clinic

    @property
    def guard(self) -> Guard:
        return Guard(self.clinic.stores.attempts, open_sealing(pepper=b"p" * 32, data_key=b"d" * 32))

    def sign_in(
        self, login: str, password: str = a_password().secret, *, address: str = HERE
    ) -> tuple[Account, SignedIn]:
        use = SignIn(self.clinic.stores.accounts, self.clinic.identity, self.guard, self.clinic.clock)
        return use(login=login, password=password, address=address)

    def who(self, signed: SignedIn) -> Account:
        return Authenticate(MemoryTokens(), self.clinic.stores.sessions, self.clinic.clock)(signed.access_token)[0]

    def refresh(self, signed: SignedIn) -> tuple[Account, SignedIn]:
        use = RefreshSession(self.clinic.identity, self.clinic.stores.sessions, self.clinic.clock)
        return use(refresh_token=signed.refresh_token)

    def change_password(self, actor: Account, signed: SignedIn, *, current: str, new: Password = ANOTHER) -> None:
        use = ChangePassword(self.clinic.identity, self.guard, self.clinic.clock)
        use(current=current, new=new, actor=actor, session_id=signed.session_id, address=HERE)

    def fail(self, login: str, times: int, *, address: str = HERE) -> None:
        for _ in range(times):
            with pytest.raises(InvalidCredentialsError):
                self.sign_in(login, WRONG, address=address)


@pytest.fixture
def door(clinic: Clinic) -> Door:
    administrator = an_administrator()
    clinic.stores.accounts.reserve(a_reservation(administrator))
    clinic.stores.accounts.add(administrator)
    for account in (clinic.doctor(), clinic.patient(), administrator):
        clinic.identity.create(account.id, a_password(), role=Role.PATIENT)
    return Door(clinic)


def logins(clinic: Clinic) -> dict[str, Account]:
    """What everybody signs in with."""
    doctor, patient = clinic.stores.accounts.get(a_doctor().id), clinic.stores.accounts.get(a_patient().id)
    administrator = an_administrator()
    return {
        str(a_doctor().crm): doctor,
        a_patient().cpf.digits: patient,
        str(a_patient().email): patient,
        str(administrator.email): administrator,
    }


def test_everybody_signs_in_with_their_own_login_and_is_known_by_the_token(door: Door, clinic: Clinic) -> None:
    for login, account in logins(clinic).items():
        found, signed = door.sign_in(login)
        assert found == account
        assert door.who(signed) == account


@pytest.mark.parametrize("login", ["nobody@example.com", "529.982.247-25", "999999-SP", "no login at all", ""])
def test_an_unknown_login_is_refused_like_a_wrong_password(door: Door, login: str) -> None:
    with pytest.raises(InvalidCredentialsError) as unknown:
        door.sign_in(login)
    with pytest.raises(InvalidCredentialsError) as wrong:
        door.sign_in(str(a_patient().email), WRONG)
    assert unknown.value.detail == wrong.value.detail


def test_a_doctor_does_not_sign_in_by_cpf_or_email(door: Door) -> None:
    for login in (a_doctor().cpf.digits, str(a_doctor().email)):
        with pytest.raises(InvalidCredentialsError):
            door.sign_in(login)


@pytest.mark.parametrize("login", [str(a_patient().email), str(a_doctor().crm), "nobody@example.com", "no login"])
def test_five_wrong_passwords_lock_a_login_known_or_not(door: Door, clock: SettableClock, login: str) -> None:
    door.fail(login, 5)
    for password in (WRONG, a_password().secret):
        with pytest.raises(TooManyAttemptsError):
            door.sign_in(login, password, address=ELSEWHERE)
    clock.advance(MINUTE)
    door.fail(login, 1)
    clock.advance(MINUTE)
    with pytest.raises(TooManyAttemptsError) as refused:
        door.sign_in(login)
    assert refused.value.retry_after == MINUTE


def test_another_spelling_of_a_login_is_the_same_login(door: Door) -> None:
    cpf = a_patient().cpf.digits
    door.fail(cpf, 5)
    with pytest.raises(TooManyAttemptsError):
        door.sign_in(f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}")
    door.fail(str(a_patient().email), 5)
    with pytest.raises(TooManyAttemptsError):
        door.sign_in(str(a_patient().email).upper())


def test_a_success_clears_what_was_counted(door: Door) -> None:
    login = str(a_patient().email)
    for _ in range(3):
        door.fail(login, 4)
        door.sign_in(login)


def test_an_address_is_refused_after_fifty_wrong_passwords_whatever_the_login(door: Door, clock: SettableClock) -> None:
    for number in range(50):
        door.fail(f"nobody{number}@example.com", 1)
    with pytest.raises(TooManyAttemptsError):
        door.sign_in(str(a_patient().email))
    door.sign_in(str(a_patient().email), address=ELSEWHERE)
    clock.advance(15 * MINUTE)
    door.sign_in(str(a_patient().email))


def test_a_right_password_that_was_guessed_while_others_locked_the_login_opens_nothing(
    door: Door, clinic: Clinic
) -> None:
    login, ended = str(a_patient().email), []

    @attrs.frozen
    class Slow:
        """An identity that takes so long that five wrong guesses overtake the right one."""

        _identity: Any

        def sign_in(self, *arguments: Any, **named: Any) -> SignedIn | None:
            door.fail(login, 5, address=ELSEWHERE)
            signed: SignedIn | None = self._identity.sign_in(*arguments, **named)
            return signed

        def sign_out(self, session_id: SessionId) -> None:
            ended.append(session_id)
            self._identity.sign_out(session_id)

    slow = Door(attrs.evolve(clinic, identity=Slow(clinic.identity)))
    with pytest.raises(TooManyAttemptsError):
        slow.sign_in(login)
    assert len(ended) == 1


def test_refreshed_tokens_are_of_the_same_account(door: Door) -> None:
    account, signed = door.sign_in(str(a_doctor().crm))
    again, refreshed = door.refresh(signed)
    assert again == account
    assert door.who(refreshed) == account


def test_a_session_that_was_signed_out_is_nobodys(door: Door, clinic: Clinic) -> None:
    _, signed = door.sign_in(str(a_doctor().crm))
    SignOut(clinic.identity)(session_id=signed.session_id)
    with pytest.raises(UnauthenticatedError):
        door.who(signed)
    with pytest.raises(UnauthenticatedError):
        door.refresh(signed)


def test_a_session_whose_account_is_not_there_cannot_be_refreshed(door: Door, clinic: Clinic) -> None:
    patient, signed = door.sign_in(str(a_patient().email))
    assert isinstance(patient, Patient)
    with_stale_tokens = attrs.evolve(door, clinic=attrs.evolve(clinic, identity=Answering(door.refresh(signed)[1])))
    clinic.close_account(patient=patient)
    with pytest.raises(UnauthenticatedError):
        with_stale_tokens.refresh(signed)


@attrs.frozen
class Answering:
    """An identity that answers what it answered before."""

    _signed: SignedIn

    def refresh(self, *_: Any, **__: Any) -> SignedIn:
        return self._signed


def test_a_changed_password_is_the_only_one_and_ends_the_other_sessions(door: Door) -> None:
    login = str(a_patient().email)
    patient, kept = door.sign_in(login)
    _, other = door.sign_in(login)
    door.change_password(patient, kept, current=a_password().secret)
    assert door.who(kept) == patient
    with pytest.raises(UnauthenticatedError):
        door.who(other)
    door.fail(login, 1)
    assert door.sign_in(login, ANOTHER.secret)[0] == patient


@pytest.mark.parametrize(
    "login", [a_patient().cpf.digits, str(a_patient().email), str(a_doctor().crm), str(an_administrator().email)]
)
def test_a_wrong_present_password_is_named_and_counts_towards_the_lock_of_every_login(door: Door, login: str) -> None:
    account, signed = door.sign_in(login)
    for _ in range(5):
        with pytest.raises(InvalidError) as refused:
            door.change_password(account, signed, current=WRONG)
        assert refused.value.fields[0].field == "current"
    with pytest.raises(TooManyAttemptsError):
        door.change_password(account, signed, current=a_password().secret)
    for other, owner in logins(door.clinic).items():
        if owner == account:
            with pytest.raises(TooManyAttemptsError):
                door.sign_in(other)


def test_a_common_new_password_is_refused_as_the_field_it_came_in(door: Door) -> None:
    account, signed = door.sign_in(str(a_doctor().crm))
    with pytest.raises(InvalidError) as refused:
        door.change_password(account, signed, current=a_password().secret, new=Password("password1234"))
    assert refused.value.fields[0].field == "new"
    assert door.sign_in(str(a_doctor().crm))[0] == account
