"""What ratings make of a doctor."""

from fractions import Fraction

import pytest

from telemed_core.domain.ratings import SCORES, UNRATED, RatingSum


@pytest.mark.parametrize(("scores", "average"), [([1], 1), ([5, 5], 5), ([5, 4, 2], Fraction(11, 3)), ([1, 2], 1.5)])
def test_the_average_is_the_plain_one(scores: list[int], average: float) -> None:
    assert RatingSum(len(scores), sum(scores)).average == pytest.approx(float(average))


def test_nobody_has_an_average_without_ratings() -> None:
    assert (UNRATED.count, UNRATED.total, UNRATED.average) == (0, 0, None)


def test_scores_are_one_to_five() -> None:
    assert [*SCORES] == [1, 2, 3, 4, 5]
