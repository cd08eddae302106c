"""The contract of ``Feeds``."""

from telemed_core.domain.ids import AccountId
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.suite import Suite

OWNER, OTHER = AccountId("patient-1"), AccountId("doctor-1")


class FeedsContract(Suite):
    """Secrets by account, and accounts by secret."""

    def test_an_account_keeps_the_secret_it_has(self, stores: Stores) -> None:
        assert stores.feeds.open(OWNER, "first") == "first"
        assert stores.feeds.open(OWNER, "second") == "first"
        assert stores.feeds.open(OTHER, "others") == "others"
        found = [stores.feeds.find(secret) for secret in ("first", "second", "others", "", "firs", "FIRST")]
        assert found == [OWNER, None, OTHER, None, None, None]

    def test_a_revoked_secret_is_nobodys_and_an_account_without_one_is_revoked_too(self, stores: Stores) -> None:
        stores.feeds.open(OWNER, "first")
        stores.feeds.open(OTHER, "others")
        for _ in range(2):
            stores.feeds.revoke(OWNER)
            assert (stores.feeds.find("first"), stores.feeds.find("others")) == (None, OTHER)
        stores.feeds.revoke(AccountId("nobody"))
        assert stores.feeds.open(OWNER, "second") == "second"
        assert (stores.feeds.find("first"), stores.feeds.find("second")) == (None, OWNER)

    def test_whoever_opens_it_at_once_gets_one_secret(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            account = AccountId(f"patient-{number}")
            answers = at_once([lambda n=n: stores.feeds.open(account, f"{account}-{n}") for n in range(6)])  # type: ignore[misc] # noqa: B023 # run before the loop goes on
            (secret,) = set(answers)
            assert stores.feeds.find(secret) == account
            others = {f"{account}-{n}" for n in range(6)} - {secret}
            assert {stores.feeds.find(one) for one in others} == {None}
