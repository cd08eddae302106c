"""The stateful clinic on DynamoDB: 10 runs, and ten times that in deep runs."""

from collections.abc import Callable

import pytest

from integration.contracts.test_clinic import run
from scale import scaled
from telemed_core.ports.storage import Stores


@pytest.mark.timeout(3000)
@pytest.mark.xdist_group("clinic on dynamodb")
def test_the_clinic_on_dynamodb(open_fresh_dynamodb: Callable[[], Stores]) -> None:
    run(open_fresh_dynamodb, scaled(100))
