"""Fetches the pinned wheels, and says which of them a family needs."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Self
from zipfile import ZipFile

import attrs
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from lambda_zips.targets import Target


class PackingError(Exception):
    """Nothing was packed; the text says why."""


@attrs.frozen
class Wheel:
    """One distribution as it is fetched.

    Attributes:
        requires: the distributions that its metadata asks for, conditions and extras included.
    """

    path: Path
    name: str
    requires: tuple[Requirement, ...]

    @classmethod
    def at(cls, path: Path) -> Self:
        """As its file says."""
        name, *_ = parse_wheel_filename(path.name)
        with ZipFile(path) as archive:
            (metadata,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
            headers = BytesHeaderParser().parsebytes(archive.read(metadata))
        return cls(path, name, tuple(map(Requirement, headers.get_all("Requires-Dist", ()))))


def fetch(lock: Path, target: Target, into: Path) -> dict[str, Wheel]:
    """Every wheel of the lock, by name, each as its hash says.

    Raises:
        PackingError: there is none for these machines, or it is another file than the one that was pinned.
    """
    command: list[str | Path] = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        *target.download_options(),
        *("--dest", into, "--requirement", lock),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # all of it is said above
    if run.returncode:
        said = [line.removeprefix("ERROR: ") for line in run.stderr.splitlines() if line.startswith("ERROR: ")]
        raise PackingError(f"for {target}: {said[-1] if said else run.stderr.strip()}")
    wheels = map(Wheel.at, sorted(into.glob("*.whl")))
    return {one.name: one for one in wheels}


def needed(wheels: Mapping[str, Wheel], requires: Iterable[str], target: Target) -> list[Wheel]:
    """What is required, with all that it requires itself, in order of names.

    Raises:
        PackingError: something is required and not pinned.
    """
    environment = target.environment()
    reached: set[tuple[str, str]] = set()
    waiting = [Requirement(one) for one in requires]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in wheels:
            raise PackingError(f"{name} is required, and not in the lock")
        for extra in ("", *wanted.extras):
            if (name, extra) not in reached:
                reached.add((name, extra))
                waiting += [
                    one
                    for one in wheels[name].requires
                    if one.marker is None or one.marker.evaluate({**environment, "extra": extra})
                ]
    return [wheels[name] for name in sorted({name for name, _ in reached})]
