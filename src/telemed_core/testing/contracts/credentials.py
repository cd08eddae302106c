"""The contract of ``Credentials``."""

import attrs
import pytest

from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Credential
from telemed_core.errors import ConflictError, StaleVersionError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import a_session
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.sessions import OTHER, USER, has_ended, opened
from telemed_core.testing.contracts.suite import Suite


class CredentialsContract(Suite):
    """Password hashes by account."""

    def test_the_hash_last_put_is_got_and_each_raises_the_rev(self, stores: Stores) -> None:
        assert stores.credentials.get(USER) is None
        stores.credentials.put(USER, "first")
        assert stores.credentials.get(USER) == Credential("first", 1)
        stores.credentials.put(USER, "second")
        stores.credentials.put(USER, "second")
        assert stores.credentials.get(USER) == Credential("second", 3)
        assert stores.credentials.get(OTHER) is None

    def test_a_removed_user_is_forgotten_with_all_sessions_and_an_unknown_one_too(self, stores: Stores) -> None:
        stores.credentials.put(USER, "first")
        stores.credentials.put(OTHER, "others")
        own, others = opened(stores, a_session(1)), opened(stores, a_session(2, account_id=OTHER))
        stores.credentials.remove(USER)
        stores.credentials.remove(USER)
        assert stores.credentials.get(USER) is None
        assert (has_ended(stores, own), has_ended(stores, others)) == (True, False)

    def test_a_removed_user_is_refused_for_ever_also_one_that_was_never_put(self, stores: Stores) -> None:
        stores.credentials.put(USER, "first")
        before = opened(stores, a_session(1))
        for user in (USER, OTHER):
            stores.credentials.remove(user)
            for rev in (None, 0, 1):
                with pytest.raises(ConflictError):
                    stores.credentials.put(user, "again", before=rev)
            assert stores.credentials.get(user) is None
        too_late = opened(stores, a_session(2))
        assert (has_ended(stores, before), has_ended(stores, too_late)) == (True, True)
        stores.credentials.put(AccountId("user-3"), "first")

    def test_of_putting_and_removing_at_once_nothing_is_left(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            user = AccountId(f"user-{10 + number}")
            at_once(
                [
                    lambda: stores.credentials.put(user, "first"),  # noqa: B023 # run before the loop goes on
                    lambda: stores.credentials.remove(user),  # noqa: B023 # the same
                    lambda: stores.credentials.put(user, "second"),  # noqa: B023 # the same
                ]
            )
            assert stores.credentials.get(user) is None

    def test_a_hash_of_another_rev_is_not_replaced(self, stores: Stores) -> None:
        with pytest.raises(StaleVersionError):
            stores.credentials.put(USER, "first", before=1)
        assert stores.credentials.get(USER) is None
        stores.credentials.put(USER, "first")
        session = opened(stores, a_session(1))
        for rev in (0, 2):
            with pytest.raises(StaleVersionError):
                stores.credentials.put(USER, "second", before=rev)
        assert stores.credentials.get(USER) == Credential("first", 1)
        assert stores.sessions.get(session.id) == session
        stores.credentials.put(USER, "second", before=1)
        assert stores.credentials.get(USER) == Credential("second", 2)
        assert has_ended(stores, session)

    def test_of_many_that_replace_one_rev_at_once_one_wins(self, stores: Stores) -> None:
        stores.credentials.put(USER, "first")
        for rev in range(1, ROUNDS + 1):
            answers = at_once(
                [lambda n=n: stores.credentials.put(USER, f"{n} after {rev}", before=rev) for n in range(6)]  # type: ignore[misc] # noqa: B023 # run before the loop goes on
            )
            (winner,) = (n for n, answer in enumerate(answers) if answer is None)
            assert {type(answer) for answer in answers if answer is not None} == {StaleVersionError}
            assert stores.credentials.get(USER) == Credential(f"{winner} after {rev}", rev + 1)

    def test_a_new_hash_ends_all_sessions_of_the_user(self, stores: Stores) -> None:
        for user in (USER, OTHER):
            stores.credentials.put(user, "first")
        own = [opened(stores, a_session(number)) for number in (1, 2)]
        others = opened(stores, a_session(3, account_id=OTHER))
        stores.credentials.put(USER, "second")
        assert [has_ended(stores, one) for one in own] == [True, True]
        assert stores.sessions.get(others.id) == others

    def test_the_kept_session_goes_on_with_the_new_rev(self, stores: Stores) -> None:
        stores.credentials.put(USER, "first")
        kept, ended = opened(stores, a_session(1, generation=7)), opened(stores, a_session(2))
        stores.credentials.put(USER, "second", keep=kept.id)
        assert stores.sessions.get(kept.id) == attrs.evolve(kept, password_rev=2)
        assert has_ended(stores, ended)

    def test_only_an_own_session_that_goes_on_is_kept(self, stores: Stores) -> None:
        for user in (USER, OTHER):
            stores.credentials.put(user, "first")
        others, ended = opened(stores, a_session(1, account_id=OTHER)), opened(stores, a_session(2))
        stores.sessions.end(ended.id)
        for keep in (others.id, ended.id, SessionId("unknown")):
            stores.credentials.put(USER, "next", keep=keep)
        assert stores.sessions.get(others.id) == others
        assert has_ended(stores, ended)
