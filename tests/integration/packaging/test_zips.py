"""What is in the zips, and that it is the same whenever they are packed."""

import hashlib
import marshal
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import MAGIC_NUMBER
from pathlib import Path, PurePosixPath
from types import CodeType
from zipfile import ZipFile

import pytest

from integration.packaging.conftest import FAMILIES, ROOT, Pack

OF_THE_WEB = {
    *(
        "alembic",
        "anyio",
        "boto3",
        "click",
        "fastapi",
        "fastapi_offline",
        "granian",
        "limits",
        "rich",
        "s3transfer",
        "starlette",
    ),
    *("hypothesis", "pytest", "pip", "setuptools"),
}
UNCHECKED = 0b01
AARCH64 = 183
FETCHING = """
import sys
from pathlib import Path
from lambda_zips.targets import TARGETS
from lambda_zips.wheels import PackingError, fetch
try:
    fetch(Path(sys.argv[1]), TARGETS["linux-arm64"], Path(sys.argv[2]))
except PackingError as error:
    sys.exit(str(error))
"""
MOST_MIB = {
    "agenda": 48,
    "booking": 48,
    "decisions": 48,
    "saga-starter": 50,
    "saga-step": 50,
    "sign-up": 22,
    "notifier": 95,
    "sweep": 95,
}
SERVICES = {
    "agenda": {"dynamodb"},
    "booking": {"dynamodb"},
    "decisions": {"dynamodb"},
    "notifier": {"cognito-idp", "dynamodb"},
    "saga-starter": {"chime-sdk-meetings", "cognito-idp", "dynamodb", "sns", "stepfunctions"},
    "saga-step": {"chime-sdk-meetings", "cognito-idp", "dynamodb", "sns"},
    "sign-up": set(),
    "sweep": {"chime-sdk-meetings", "cognito-idp", "dynamodb", "sns"},
}


def test_each_handler_has_a_zip_of_its_own(zips: Mapping[str, Path]) -> None:
    assert sorted(zips) == sorted(FAMILIES)
    handlers = {
        path.stem for path in (ROOT / "src/entrypoints/lambdas").glob("*.py") if "\ndef handler(" in path.read_text()
    }
    assert {name.replace("-", "_") for name in zips} == handlers
    for name, path in zips.items():
        inside = {PurePosixPath(one).stem for one in _names(path) if re.fullmatch(r"entrypoints/lambdas/\w+\.py", one)}
        assert inside & handlers == {name.replace("-", "_")}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_zip_has_no_web_package_no_command_line_and_nothing_for_tests(zips: Mapping[str, Path], name: str) -> None:
    inside = _names(zips[name])
    tops = {one.partition("/")[0] for one in inside}
    assert not tops & OF_THE_WEB
    assert ("sqlalchemy" in tops, "argon2" in tops) == (name in {"notifier", "sweep"}, SERVICES[name] > {"dynamodb"})
    ours = [one for one in inside if one.startswith(("entrypoints/", "telemed_core/", "adapters/"))]
    assert not [one for one in ours if re.match(r"entrypoints/(cli|http|web)/|telemed_core/testing/", one)]
    assert [one for one in ours if one.startswith("adapters/sql/")] == [] or "sqlalchemy" in tops
    assert not [one for one in inside if re.search(r"\.(pyi|pyx|c|h|typed)$|/(tests|testing)/|\.data/", one)]


@pytest.mark.parametrize("name", FAMILIES)
def test_of_botocores_data_there_are_the_services_that_are_called(zips: Mapping[str, Path], name: str) -> None:
    described = [PurePosixPath(one).parts[2:] for one in _names(zips[name]) if one.startswith("botocore/data/")]
    assert {parts[0] for parts in described if len(parts) > 1} == SERVICES[name]
    assert {parts[-1] for parts in described if len(parts) > 1} <= {"service-2.json.gz", "endpoint-rule-set-1.json.gz"}


@pytest.mark.parametrize("name", FAMILIES)
def test_licences_travel_with_what_they_are_for_and_manuals_do_not(zips: Mapping[str, Path], name: str) -> None:
    with ZipFile(zips[name]) as archive:
        about = [one for one in archive.namelist() if ".dist-info/" in one]
        metadata = [archive.read(one).decode() for one in about if one.endswith("/METADATA")]
    folders = {one.partition("/")[0] for one in about}
    assert len(metadata) == len(folders) >= 10
    assert all(re.fullmatch(r"Metadata-Version: .+\nName: .+\nVersion: .+\n", one) for one in metadata)
    licensed = {one.partition("/")[0] for one in about if re.search("licen[cs]e|copying", one, re.IGNORECASE)}
    # One says what its licence is in its metadata alone.
    assert {one.partition("-")[0] for one in folders - licensed} <= {"zxcvbn"}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_module_is_compiled_and_never_compared_with_its_source(zips: Mapping[str, Path], name: str) -> None:
    with ZipFile(zips[name]) as archive:
        inside = set(archive.namelist())
        compiled = [one for one in inside if one.endswith(".pyc")]
        assert sorted(map(_cached, (one for one in inside if one.endswith(".py")))) == sorted(compiled)
        for one in compiled:
            head = archive.read(one)[:8]
            assert (head[:4], int.from_bytes(head[4:], "little")) == (MAGIC_NUMBER, UNCHECKED)
        content = archive.read(_cached("entrypoints/lambdas/starting.py"))
    # The bytecode is our own.
    code = marshal.loads(content[16:])  # noqa: S302
    assert isinstance(code, CodeType)
    assert code.co_filename == "entrypoints/lambdas/starting.py"


@pytest.mark.parametrize("name", FAMILIES)
def test_entries_are_in_order_and_of_no_time_and_anybody_may_read_them(zips: Mapping[str, Path], name: str) -> None:
    with ZipFile(zips[name]) as archive:
        entries = archive.infolist()
    assert [one.filename for one in entries] == sorted({one.filename for one in entries})
    assert {(one.date_time, one.create_system, one.external_attr) for one in entries} == {
        ((1980, 1, 1, 0, 0, 0), 3, 0o100644 << 16)
    }
    size = sum(one.file_size for one in entries)
    print(f"{name}: {zips[name].stat().st_size / 2**20:.1f} MiB, {size / 2**20:.1f} MiB unpacked")
    assert size < MOST_MIB[name] * 2**20


def test_zips_that_are_packed_again_are_the_same_bytes(zips: Mapping[str, Path], pack: Pack, tmp_path: Path) -> None:
    """With another seed, time zone, umask and choice of families."""
    umask = os.umask(0o077)
    try:
        again = pack("booking", "sign-up", "--platform", "here", into=tmp_path, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    finally:
        os.umask(umask)
    assert again.returncode == 0, again.stderr
    packed = {path.stem: _sha256(path) for path in tmp_path.iterdir()}
    assert packed == {name: _sha256(zips[name]) for name in ("booking", "sign-up")}
    assert all(sum_ in again.stdout for sum_ in packed.values())


def test_without_another_wish_libraries_are_those_of_lambda_on_arm(pack: Pack, tmp_path: Path) -> None:
    packed = pack("sign-up", into=tmp_path)
    assert packed.returncode == 0, packed.stderr
    with ZipFile(tmp_path / "sign-up.zip") as archive:
        libraries = [archive.read(one)[:20] for one in archive.namelist() if ".so" in PurePosixPath(one).name]
    assert len(libraries) >= 3
    assert {(one[:4], int.from_bytes(one[18:20], "little")) for one in libraries} == {(b"\x7fELF", AARCH64)}


def test_a_wheel_that_there_is_not_or_that_is_another_one_packs_nothing(tmp_path: Path) -> None:
    for line, said in (
        ("attrs==26.1.0 --hash=sha256:" + "0" * 64, "DO NOT MATCH|hashes"),
        ("attrs==0.0.1 --hash=sha256:" + "0" * 64, "attrs==0.0.1"),
    ):
        lock = tmp_path / "lock.txt"
        lock.write_text(line + "\n")
        run = subprocess.run(
            [sys.executable, "-c", FETCHING, lock, tmp_path / "wheels"],
            env={**os.environ, "PYTHONPATH": str(ROOT / "packaging" / "lambdas")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert re.match(r"for Python 3\.\d+ on Lambda's aarch64 \(glibc 2\.\d\d\): ", run.stderr), run.stderr
        assert re.search(said, run.stderr), run.stderr
        assert "://" not in run.stderr


def test_the_lock_pins_each_by_hash_without_addresses_and_what_is_tested_is_what_is_packed() -> None:
    locks = [(ROOT / "requirements" / f"{name}.txt").read_text() for name in ("lambda", "dev")]
    packed, tested = (dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", one, re.MULTILINE)) for one in locks)
    assert locks[0].count("--hash=sha256:") >= len(packed)
    assert "://" not in locks[0]
    different = {name for name, version in packed.items() if tested[name] != version}
    assert different <= {"psycopg", "psycopg-binary"}


_TAG = f"{sys.version_info.major}{sys.version_info.minor}"


def _cached(module: str) -> str:
    path = PurePosixPath(module)
    return str(path.parent / "__pycache__" / f"{path.stem}.cpython-{_TAG}.pyc")


def _names(path: Path) -> list[str]:
    with ZipFile(path) as archive:
        return archive.namelist()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
