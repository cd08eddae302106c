"""How often each act of people, of their accounts and of their sessions goes to the database and back."""

import pytest

from adapters.dynamodb.access import Dynamo
from integration.emulator.faulty import Faulty
from integration.emulator.people import People
from integration.emulator.people_acts import ACTS, begin


@pytest.mark.parametrize("act", ACTS)
def test_it_takes_so_many_round_trips(dynamo: Dynamo, faulty: Faulty, act: str) -> None:
    people = begin(People.on(dynamo))
    expected, carry_out = ACTS[act]
    faulty.forget()
    carry_out(people)
    print(f"{act}: {dict(faulty.sent)}")
    assert faulty.round_trips == expected
