"""The functions' zips for this machine, packed once for all tests of a process."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from integration.emulator.conftest import credentials

__all__ = ["credentials", "pack", "unpacked", "zips"]

ROOT = Path(__file__).parents[3]
FAMILIES = ("agenda", "booking", "decisions", "notifier", "saga-starter", "saga-step", "sign-up", "sweep")

Pack = Callable[..., "subprocess.CompletedProcess[str]"]


def pack_zips(*arguments: str | Path, into: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command as ``make zips`` runs it."""
    return subprocess.run(
        [sys.executable, "-m", "lambda_zips", *arguments, "--into", into],
        env={**os.environ, "PYTHONPATH": str(ROOT / "packaging" / "lambdas"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


@pytest.fixture(scope="session")
def pack() -> Pack:
    return pack_zips


@pytest.fixture(scope="session")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Every family's, by its name."""
    folder = tmp_path_factory.mktemp("zips")
    packed = pack_zips("--platform", "here", into=folder)
    assert packed.returncode == 0, packed.stderr
    print(packed.stdout)
    return {path.stem: path for path in folder.glob("*.zip")}


@pytest.fixture
def unpacked(zips: Mapping[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Unpacks one in a folder that has nothing else."""

    def unpack(name: str) -> Path:
        folder = tmp_path / name
        with ZipFile(zips[name]) as archive:
            archive.extractall(folder)
        return folder

    return unpack
