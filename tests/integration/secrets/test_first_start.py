"""The first start of a data folder: by many processes at once, or killed on the way."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrypoints.settings import SettingsError
from integration.secrets.starting import fingerprint, opened, register
from telemed_core.domain.ids import AccountId
from telemed_core.testing.builders import a_password, an_email

SRC = Path(__file__).parents[3] / "src"
NAMES = ["data_key", "issuer_key", "pepper", "secret"]


@contextmanager
def starting(data: Path, number: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that has loaded everything and waits for its line."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "starting.py"), str(data), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SRC)},
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def tell(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def kept(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "secrets").glob("[a-z]*"))


def test_of_eight_processes_one_makes_each_secret_and_all_read_the_same(tmp_path: Path) -> None:
    data = tmp_path / "data"
    answers: list[dict[str, str]] = []

    def together(number: int, *waiting: "subprocess.Popen[str]") -> None:
        if number:
            with starting(data, number) as process:
                together(number - 1, *waiting, process)
            return
        for process in waiting:
            tell(process)
        answers.extend(json.loads(process.communicate(timeout=60)[0]) for process in waiting)

    together(8)
    parts = opened(data)
    assert {answer["secrets"] for answer in answers} == {fingerprint(parts)}
    assert [path.name for path in sorted((data / "secrets").iterdir())] == NAMES
    assert {answer["id"] for answer in answers} == {parts.accounts().find(an_email(one)).id for one in range(1, 9)}  # type: ignore[union-attr] # none is missing: it has an id
    assert all(parts.identity().check(AccountId(answer["id"]), a_password()) for answer in answers)
    parts.close()


def test_a_first_start_killed_at_any_point_is_finished_by_the_next(tmp_path: Path) -> None:
    reached: list[int] = []
    for point in (0, 1, 2, 3, 3, 4, 4):
        data = tmp_path / str(len(reached))
        with starting(data, 1) as process:
            tell(process)
            until = time.monotonic() + 20
            while len(kept(data)) < point:
                assert time.monotonic() < until
            process.kill()
            process.wait()
        before = {name: (data / "secrets" / name).read_bytes() for name in kept(data)}
        reached.append(len(before))

        parts = opened(data)
        made = register(parts, 2)
        whole = fingerprint(parts)
        parts.close()

        again = opened(data)
        found = again.accounts().find(an_email(2))
        assert found
        assert found.id == made
        assert fingerprint(again) == whole
        again.close()
        assert kept(data) == NAMES
        assert before.items() <= {name: (data / "secrets" / name).read_bytes() for name in NAMES}.items()
    assert any(0 < number < 4 for number in reached), "nothing was interrupted half-way"


@pytest.mark.parametrize("lost", NAMES)
def test_a_folder_with_data_that_lost_a_secret_is_refused_until_it_is_back(tmp_path: Path, lost: str) -> None:
    parts = opened(tmp_path)
    made = register(parts, 1)
    parts.close()
    path = tmp_path / "secrets" / lost
    path.rename(tmp_path / "mislaid")

    with pytest.raises(SettingsError) as refused:
        opened(tmp_path).stores()
    assert str(refused.value) == f"{path} is missing, and the data beside it cannot be read without it"
    assert not path.exists()

    (tmp_path / "mislaid").rename(path)
    parts = opened(tmp_path)
    found = parts.accounts().find(an_email(1))
    assert found
    assert found.id == made
    parts.close()
