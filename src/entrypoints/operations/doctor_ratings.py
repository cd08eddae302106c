"""The ratings that go with doctors wherever they are shown, in one read for each answer."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from entrypoints.container import Container
from telemed_core.domain.accounts import Account
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ratings import UNRATED, RatingSum

V = TypeVar("V")


def rating_of(container: Container, account: Account) -> RatingSum:
    """The rating of one doctor; of anyone else there is none, and nothing is read."""
    if not isinstance(account, Doctor):
        return UNRATED
    return container.sum_ratings()([account.id])[account.id]


def rated(container: Container, found: Sequence[Doctor], view: Callable[[Doctor, RatingSum], V]) -> list[V]:
    """These doctors, each shown with the rating."""
    sums = container.sum_ratings()([one.id for one in found])
    return [view(one, sums[one.id]) for one in found]
