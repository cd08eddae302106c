"""Places and prices."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain.places import EARTH_RADIUS_KM, GeoPoint, cents
from telemed_core.errors import InvalidError
from telemed_core.testing.builders import SAO_PAULO

RIO = GeoPoint.parse(-22.9068, -43.1729)
points = st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180))


def test_sao_paulo_is_361_km_from_rio() -> None:
    assert SAO_PAULO.distance_km(RIO) == pytest.approx(360.7, abs=0.5)


@settings(max_examples=30)
@given(points, points)
def test_a_distance_is_the_same_both_ways_and_at_most_half_round_the_earth(here: GeoPoint, there: GeoPoint) -> None:
    distance = here.distance_km(there)
    assert distance == pytest.approx(there.distance_km(here))
    assert 0 <= distance <= math.pi * EARTH_RADIUS_KM * (1 + 1e-12)
    assert here.distance_km(here) == 0


@pytest.mark.parametrize(
    ("lat", "lon", "field"),
    [(90.1, 0, "lat"), (-91, 0, "lat"), (0, 180.5, "lon"), (math.nan, 0, "lat"), (0, math.inf, "lon")],
)
def test_a_place_beyond_the_sphere_is_refused_by_name(lat: float, lon: float, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        GeoPoint.parse(lat, lon)
    assert refused.value.fields[0].field == f"location.{field}"


def test_the_poles_and_the_date_line_are_places() -> None:
    assert GeoPoint.parse(-90, 180) == GeoPoint(-90.0, 180.0)


@pytest.mark.parametrize("amount", [0, 1, 100_000_000])
def test_a_price_is_whole_cents(amount: int) -> None:
    assert cents(amount) == amount


@pytest.mark.parametrize("amount", [-1, 100_000_001, True, 1.0, "1", 10**30])
def test_another_price_is_refused_by_name(amount: int) -> None:
    with pytest.raises(InvalidError) as refused:
        cents(amount)
    assert refused.value.fields[0].field == "price_cents"
