"""Models are built when they are first used, whichever threads come first."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from telemed_core.domain.ids import DoctorId
from telemed_core.errors import InvalidError
from telemed_core.messages.fields import DoctorIdField, Location, Request
from telemed_core.messages.parsing import parse
from telemed_core.messages.views import View

THREADS = 8


def test_a_model_that_nobody_has_used_is_not_built() -> None:
    class Asked(Request):
        doctor_id: DoctorIdField

    class Told(View):
        name: str

    assert not Asked.__pydantic_complete__
    assert not Told.__pydantic_complete__
    assert Told(name="a").model_dump() == {"name": "a"}
    assert Told.__pydantic_complete__


@pytest.mark.parametrize("_", range(10))
def test_threads_that_use_a_model_first_all_read_by_it(_: int) -> None:
    class Asked(Request):
        doctor_id: DoctorIdField
        near: Location | None = None

    barrier = Barrier(THREADS)

    def read(number: int) -> Asked | str:
        barrier.wait(timeout=10)
        try:
            return parse(Asked, {"doctor_id": "d1", **({"other": 1} if number % 2 else {})})
        except InvalidError as error:
            return error.fields[0].field

    with ThreadPoolExecutor(THREADS) as pool:
        read_by = list(pool.map(read, range(THREADS)))
    assert read_by == [Asked(doctor_id=DoctorId("d1")), "other"] * (THREADS // 2)
