"""Puts the zips together: our source and the wheels, trimmed, compiled, and written in one order."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import attrs

from lambda_zips import compiling
from lambda_zips.families import Family
from lambda_zips.targets import Target
from lambda_zips.trimming import is_called, is_used, trimmed
from lambda_zips.wheels import PackingError, Wheel, fetch, needed

ROOT: Final = Path(__file__).parents[3]
LOCK: Final = ROOT / "requirements" / "lambda.txt"
SOURCE: Final = ROOT / "src"
MOST_BYTES: Final = 250 * 1024 * 1024
"""Lambda takes no function that is larger unpacked."""

_OURS: Final = "telemed"
_ANY_TIME: Final = (1980, 1, 1, 0, 0, 0)
_A_FILE_TO_READ: Final = 0o100644 << 16
_ON_UNIX: Final = 3


@attrs.frozen
class Zip:
    """One zip as it was written."""

    family: Family
    path: Path
    bytes_unpacked: int
    sha256: str


def pack(families: Sequence[Family], target: Target, *, into: Path, workshop: Path) -> Iterator[Zip]:
    """Write the families' zips, each as it is asked for.

    Args:
        workshop: an empty folder for what is made on the way.

    Raises:
        PackingError: a wheel is missing, a module does not compile, or a function is too large for Lambda.
    """
    wheels = fetch(LOCK, target, workshop / "wheels")
    parts = {one.name: needed(wheels, one.requires, target) for one in families}
    stage = workshop / "stage"
    _lay_out_ours(families, stage / _OURS)
    for wheel in {one.name: one for part in parts.values() for one in part}.values():
        _lay_out(wheel, stage / wheel.name)
    _compile(stage)
    into.mkdir(parents=True, exist_ok=True)
    for family in families:
        yield _write(family, parts[family.name], stage, into / f"{family.name}.zip")


def _lay_out_ours(families: Sequence[Family], folder: Path) -> None:
    for file in sorted(SOURCE.rglob("*.py")):
        path = PurePosixPath(file.relative_to(SOURCE).as_posix())
        if any(family.packs(path) for family in families):
            _put(folder / path, file.read_bytes())


def _lay_out(wheel: Wheel, folder: Path) -> None:
    with ZipFile(wheel.path) as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            if not name.endswith("/") and is_used(path):
                _put(folder / path, trimmed(path, archive.read(name)))


def _put(file: Path, content: bytes) -> None:
    if ".." in file.parts:
        raise PackingError(f"{file} is outside of what it belongs to")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _compile(stage: Path) -> None:
    """Each distribution apart, so that the bytecode of one does not depend on which others there are."""
    for folder in sorted(stage.iterdir()):
        command: list[str | Path] = [sys.executable, "-S", "-P", compiling.__file__, folder]
        run = subprocess.run(  # noqa: S603 # it is our own program
            command,
            env={"PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if run.returncode:
            raise PackingError(f"{folder.name} does not compile: {run.stderr.strip()}")


def _write(family: Family, wheels: Sequence[Wheel], stage: Path, path: Path) -> Zip:
    files = dict(_files(stage / _OURS, lambda one: family.packs(_source(one))))
    for wheel in wheels:
        for name, file in _files(stage / wheel.name, lambda one: is_called(one, family.services)):
            # Of two that have the same file, both have the same.
            if name in files and files[name].read_bytes() != file.read_bytes():
                raise PackingError(f"two distributions have a {name} of their own")
            files[name] = file
    size = sum(file.stat().st_size for file in files.values())
    if size > MOST_BYTES:
        raise PackingError(f"{family.name} is {size} bytes large, and Lambda takes {MOST_BYTES}")
    path.unlink(missing_ok=True)
    with ZipFile(path, "w") as archive:
        for name in sorted(files):
            archive.writestr(_entry(name), files[name].read_bytes(), compresslevel=9)
    return Zip(family, path, size, hashlib.sha256(path.read_bytes()).hexdigest())


def _files(folder: Path, wanted: Callable[[PurePosixPath], bool]) -> Iterator[tuple[str, Path]]:
    for file in folder.rglob("*"):
        path = PurePosixPath(file.relative_to(folder).as_posix())
        if file.is_file() and wanted(path):
            yield str(path), file


def _source(path: PurePosixPath) -> PurePosixPath:
    """The module that this was compiled from, or the file itself."""
    return path.parent.parent / f"{path.name.partition('.')[0]}.py" if path.suffix == ".pyc" else path


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _ANY_TIME)
    entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, _ON_UNIX, _A_FILE_TO_READ
    return entry
