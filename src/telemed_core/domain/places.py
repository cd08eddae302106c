"""Where people are, and what a consultation costs."""

import math
from typing import Final, NewType

import attrs

from telemed_core.errors import InvalidError

EARTH_RADIUS_KM: Final = 6371.0088

Cents = NewType("Cents", int)
"""Brazilian real cents: an amount of money as an integer."""

MOST_CENTS: Final = 100_000_000


def cents(amount: int, *, field: str = "price_cents") -> Cents:
    """Take an amount from 0 to one million reais.

    Raises:
        InvalidError: not an integer, negative or beyond.
    """
    if isinstance(amount, bool) or not isinstance(amount, int):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise InvalidError(field, "must be a whole number of cents")
    if not 0 <= amount <= MOST_CENTS:
        raise InvalidError(field, f"must be from 0 to {MOST_CENTS} cents")
    return Cents(amount)


@attrs.frozen
class GeoPoint:
    """A place on the sphere, in degrees."""

    lat: float
    lon: float

    @classmethod
    def parse(cls, lat: float, lon: float, *, field: str = "location") -> "GeoPoint":
        """Take degrees of latitude in [−90, 90] and longitude in [−180, 180].

        Raises:
            InvalidError: beyond, infinite or not a number.
        """
        for name, value, bound in (("lat", lat, 90), ("lon", lon, 180)):
            if not -bound <= value <= bound:
                raise InvalidError(f"{field}.{name}", f"must be from -{bound} to {bound} degrees")
        return cls(float(lat), float(lon))

    def distance_km(self, other: "GeoPoint") -> float:
        """The great-circle distance, by the haversine formula on the mean Earth radius."""
        lat1, lon1, lat2, lon2 = map(math.radians, (self.lat, self.lon, other.lat, other.lon))
        half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
        return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))
