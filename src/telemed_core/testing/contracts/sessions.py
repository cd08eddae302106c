"""The contract of ``Sessions``."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.accounts import Account
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import Patient
from telemed_core.domain.sessions import Session
from telemed_core.errors import NotFoundError, StaleVersionError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_patient, a_reservation, a_session, an_administrator
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.suite import Suite
from telemed_core.testing.wiring import Clinic

USER = AccountId("user-1")
OTHER = AccountId("user-2")
INSTANT = timedelta(microseconds=1)


def opened(stores: Stores, session: Session) -> Session:
    """That session, kept."""
    stores.sessions.add(session, now=MONDAY)
    return session


def has_ended(stores: Stores, session: Session) -> bool:
    """Whether nobody finds it any more."""
    try:
        stores.sessions.get(session.id)
    except NotFoundError:
        return True
    return False


class SessionsContract(Suite):
    """Sign-ins by id."""

    @pytest.fixture(autouse=True)
    def _credentials(self, stores: Stores) -> None:
        for user in (USER, OTHER):
            stores.credentials.put(user, "first")

    @pytest.mark.parametrize("graces", [(), (MONDAY + timedelta(seconds=30, microseconds=1), MONDAY + INSTANT)])
    def test_every_field_of_a_session_comes_back(self, stores: Stores, graces: Any) -> None:
        session = a_session(generation=3, expires_at=MONDAY + INSTANT, graces=graces)
        opened(stores, session)
        assert stores.sessions.get(session.id) == session

    def test_an_unknown_session_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.sessions.get(SessionId("unknown"))

    @pytest.mark.parametrize(("user", "rev"), [(USER, 1), (USER, 3), (AccountId("nobody"), 1)])
    def test_a_session_of_another_password_has_ended_for_good(self, stores: Stores, user: AccountId, rev: int) -> None:
        stores.credentials.put(USER, "second")
        session = opened(stores, a_session(account_id=user, password_rev=rev))
        assert has_ended(stores, session)
        stores.credentials.put(user, "third")
        assert has_ended(stores, session)

    def test_a_new_session_forgets_those_of_the_account_that_have_expired(self, stores: Stores) -> None:
        over = opened(stores, a_session(1, expires_at=MONDAY + INSTANT))
        on = opened(stores, a_session(2, expires_at=MONDAY + 2 * INSTANT))
        others = opened(stores, a_session(3, account_id=OTHER, expires_at=MONDAY + INSTANT))
        assert not has_ended(stores, over)
        new = a_session(4)
        stores.sessions.add(new, now=MONDAY + INSTANT)
        assert [has_ended(stores, one) for one in (over, on, others, new)] == [True, False, False, False]

    def test_one_that_has_expired_is_handed_out(self, stores: Stores) -> None:
        session = opened(stores, a_session(expires_at=MONDAY - INSTANT))
        assert stores.sessions.get(session.id) == session

    def test_a_session_is_replaced_by_its_next_state(self, stores: Stores) -> None:
        before, other = opened(stores, a_session(1)), opened(stores, a_session(2))
        for step in (1, 2):
            after = before.refreshed(before.generation, now=MONDAY + step * INSTANT)
            assert after is not None
            stores.sessions.replace(before, after)
            assert stores.sessions.get(before.id) == after
            before = after
        assert stores.sessions.get(other.id) == other

    @pytest.mark.parametrize(
        "changed",
        [
            {"generation": 2},
            {"graces": (MONDAY,)},
            {"expires_at": MONDAY},
            {"password_rev": 2},
            {"account_id": OTHER},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_what_is_not_as_before_any_more_is_not_replaced(self, stores: Stores, changed: dict[str, Any]) -> None:
        session = opened(stores, a_session())
        with pytest.raises(StaleVersionError):
            stores.sessions.replace(attrs.evolve(session, **changed), attrs.evolve(session, generation=9))
        assert stores.sessions.get(session.id) == session

    def test_what_was_replaced_is_not_replaced_again(self, stores: Stores) -> None:
        before = opened(stores, a_session())
        after = attrs.evolve(before, generation=2)
        stores.sessions.replace(before, after)
        with pytest.raises(StaleVersionError):
            stores.sessions.replace(before, after)

    @pytest.mark.parametrize("ended", ["ended", "signed in by another password", "removed", "unknown"])
    def test_what_has_ended_is_not_replaced(self, stores: Stores, ended: str) -> None:
        session = a_session()
        if ended != "unknown":
            opened(stores, session)
        if ended == "ended":
            stores.sessions.end(session.id)
        if ended == "signed in by another password":
            stores.credentials.put(USER, "second")
        if ended == "removed":
            stores.credentials.remove(USER)
        with pytest.raises(StaleVersionError):
            stores.sessions.replace(session, attrs.evolve(session, generation=2))
        assert has_ended(stores, session)

    def test_of_many_that_replace_it_at_once_one_wins(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            before = opened(stores, a_session(number))
            afters = [attrs.evolve(before, generation=2, graces=(MONDAY + n // 2 * INSTANT,)) for n in range(8)]
            answers = at_once([lambda one=one: stores.sessions.replace(before, one) for one in afters])  # type: ignore[misc] # noqa: B023 # run before the loop goes on
            (winner,) = (after for after, answer in zip(afters, answers, strict=True) if answer is None)
            assert {type(answer) for answer in answers if answer is not None} == {StaleVersionError}
            assert stores.sessions.get(before.id) == winner

    def test_nothing_that_is_opened_or_refreshed_meanwhile_outlives_a_new_password(self, stores: Stores) -> None:
        for rev in range(1, ROUNDS + 1):
            old, new = opened(stores, a_session(2 * rev, password_rev=rev)), a_session(2 * rev + 1, password_rev=rev)
            at_once(
                [
                    lambda: stores.sessions.replace(old, attrs.evolve(old, generation=2)),  # noqa: B023 # run before the loop goes on
                    lambda: stores.credentials.put(USER, "next"),
                    lambda: stores.sessions.add(new, now=MONDAY),  # noqa: B023 # the same
                ]
            )
            assert (has_ended(stores, old), has_ended(stores, new)) == (True, True)

    def test_an_ended_session_is_gone_and_an_unknown_one_too(self, stores: Stores) -> None:
        session, other = opened(stores, a_session(1)), opened(stores, a_session(2))
        stores.sessions.end(session.id)
        stores.sessions.end(session.id)
        assert (has_ended(stores, session), has_ended(stores, other)) == (True, False)

    def test_a_session_answers_its_account_as_it_is_now(self, clinic: Clinic) -> None:
        administrator = an_administrator()
        clinic.stores.accounts.reserve(a_reservation(administrator))
        clinic.stores.accounts.add(administrator)
        accounts: tuple[Account, ...] = (clinic.doctor(), clinic.patient(), administrator)
        for number, account in enumerate(accounts):
            session = signed_in(clinic, account.id, number)
            assert clinic.stores.sessions.account_of(session.id, account.id) == account
            changed = attrs.evolve(account, time_zone=TimeZone("Europe/Lisbon"), rev=account.rev + 1)
            clinic.stores.accounts.update(account, changed)
            assert clinic.stores.sessions.account_of(session.id, account.id) == changed

    def test_a_session_of_another_or_that_has_ended_answers_nobody(self, clinic: Clinic, patient: Patient) -> None:
        stores, other = clinic.stores, clinic.patient(2)
        session, others = signed_in(clinic, patient.id, 1), signed_in(clinic, other.id, 2)
        for account_id in (other.id, AccountId("nobody")):
            with pytest.raises(NotFoundError):
                stores.sessions.account_of(session.id, account_id)
        stores.sessions.end(session.id)
        stores.credentials.put(other.id, "changed")
        for one in (session, others):
            with pytest.raises(NotFoundError):
                stores.sessions.account_of(one.id, one.account_id)

    def test_a_session_of_what_is_only_reserved_answers_nobody(self, clinic: Clinic) -> None:
        patient = a_patient()
        clinic.stores.accounts.reserve(a_reservation(patient))
        session = signed_in(clinic, patient.id, 1)
        with pytest.raises(NotFoundError):
            clinic.stores.sessions.account_of(session.id, patient.id)

    def test_a_closed_account_is_nobodys(self, clinic: Clinic, patient: Patient) -> None:
        session = signed_in(clinic, patient.id, 1)
        clinic.stores.accounts.close(patient.close(now=MONDAY))
        late = signed_in(clinic, patient.id, 2)
        for one in (session, late):
            with pytest.raises(NotFoundError):
                clinic.stores.sessions.account_of(one.id, patient.id)


def signed_in(clinic: Clinic, account_id: AccountId, number: int) -> Session:
    """A session of the account, which has its password from now on."""
    clinic.stores.credentials.put(account_id, "hash")
    credential = clinic.stores.credentials.get(account_id)
    assert credential is not None
    return opened(clinic.stores, a_session(number, account_id=account_id, password_rev=credential.rev))
