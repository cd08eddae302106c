"""How often garbage is looked for: hardly ever in Lambda, as always elsewhere."""

import gc
import importlib
from collections.abc import Iterator

import pytest

import entrypoints.lambdas


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_only_where_lambda_makes_the_process_garbage_is_hardly_ever_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_threshold()
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    importlib.reload(entrypoints.lambdas)
    assert gc.get_threshold() == before
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    importlib.reload(entrypoints.lambdas)
    assert gc.get_threshold()[0] == entrypoints.lambdas.COLLECTED > before[0]
