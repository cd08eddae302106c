"""Both wheels in empty environments: what they bring, and that each extra imports what it promises."""

import email
import email.message
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

# One worker builds the wheels, once.
pytestmark = pytest.mark.xdist_group("wheels")

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).parent / "uv"
SOURCES = {"telemed": ROOT, "telemed-core": ROOT / "packaging" / "telemed-core"}

CORE = (
    "telemed_core.errors",
    "telemed_core.domain",
    "telemed_core.ports",
    "telemed_core.application",
    "telemed_core.saga",
)
SQL = ("adapters.sql", "adapters.sealing", "adapters.secret_files")
PASSWORDS = ("adapters.local_identity",)
TOKENS = ("adapters.tokens", "adapters.cursors", "adapters.webrtc")
CALENDARS = ("adapters.calendars",)
SERVER = (*TOKENS, "entrypoints.http")
ALWAYS = (
    *CORE,
    "telemed_core.messages",
    # What calls AWS loads its client when it is opened; what makes that client is a part of it.
    "adapters.aws.calling",
    "adapters.aws.failures",
    "adapters.aws.retrying",
    "adapters.chime",
    "adapters.cognito",
    "adapters.dynamodb",
    "adapters.messaging",
    "adapters.step_functions",
    "adapters.mailbox",
    "adapters.memory",
    "adapters.publishing",
    "adapters.reset_tokens",
    "adapters.serialization",
    "adapters.smtp",
    "adapters.system",
    "entrypoints.background",
    "entrypoints.cli",
    "entrypoints.container",
    "entrypoints.failures",
    "entrypoints.lambdas",
    "entrypoints.logs",
    "entrypoints.operations",
    "entrypoints.seeding",
    "entrypoints.serve",
    "entrypoints.settings",
)
PROMISES = {
    ("telemed-core", ""): CORE,
    ("telemed-core", "messages"): (*CORE, "telemed_core.messages"),
    ("telemed-core", "testing"): (*CORE, "telemed_core.testing"),
    ("telemed", ""): ALWAYS,
    ("telemed", "sql"): (*ALWAYS, *SQL),
    ("telemed", "postgres"): (*ALWAYS, *SQL, "psycopg"),
    ("telemed", "passwords"): (*ALWAYS, *PASSWORDS),
    ("telemed", "tokens"): (*ALWAYS, *TOKENS),
    ("telemed", "server"): (*ALWAYS, *SERVER),
    ("telemed", "calendars"): (*ALWAYS, *CALENDARS),
    ("telemed", "aws"): (*ALWAYS, *SQL, "adapters.aws", "boto3"),
    ("telemed", "local"): (*ALWAYS, *SQL, *PASSWORDS, *SERVER, *CALENDARS),
    ("telemed", "messages"): (*CORE, "telemed_core.messages"),
    ("telemed", "testing"): (*CORE, "telemed_core.testing"),
}

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    if not name.startswith(("telemed_core", "adapters", "entrypoints")):
        continue
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
        # A command's `__main__` and a migration run when they are imported.
        if not module.name.endswith((".__main__", ".env")) and ".versions." not in module.name:
            importlib.import_module(module.name)
print(package.__file__)
"""

Install = Callable[[str, str], Path]


def run(*command: str | Path) -> str:
    """What a program prints, run without a way to this tree."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, into: Path) -> Path:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", into, source)
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: build(source, tmp_path_factory.mktemp(name)) for name, source in SOURCES.items()}


@pytest.fixture(scope="module")
def install(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Make an empty environment with a wheel and one of its extras, in the versions we test with."""

    def installed(name: str, extra: str) -> Path:
        environment = tmp_path_factory.mktemp("environment")
        run(UV, "venv", "--quiet", "--no-project", "--python", sys.executable, environment / "venv")
        python = environment / "venv" / "bin" / "python"
        wanted = f"{name}[{extra}] @ {wheels[name].as_uri()}" if extra else f"{name} @ {wheels[name].as_uri()}"
        pins = ROOT / "requirements" / "dev.txt"
        run(UV, "pip", "install", "--quiet", "--python", python, "--constraints", pins, wanted)
        return python

    return installed


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def distributions(python: Path) -> set[str]:
    return {one["name"] for one in json.loads(run(UV, "pip", "list", "--python", python, "--format", "json"))}


def test_the_core_alone_brings_attrs_and_tzdata_and_imports(install: Install) -> None:
    python = install("telemed-core", "")

    assert distributions(python) == {"telemed-core", "attrs", "tzdata"}
    assert str(python.parents[1]) in run(python, "-c", IMPORT_ALL, *CORE, "telemed_core.errors")


@pytest.mark.parametrize(
    ("name", "extra"), [key for key in PROMISES if key != ("telemed-core", "")], ids=lambda word: word or "alone"
)
def test_an_extra_imports_what_it_promises(install: Install, name: str, extra: str) -> None:
    python = install(name, extra)

    assert str(python.parents[1]) in run(python, "-c", IMPORT_ALL, *PROMISES[name, extra])


@pytest.mark.parametrize("name", SOURCES)
def test_every_extra_has_a_promise(wheels: dict[str, Path], name: str) -> None:
    provided = metadata(wheels[name]).get_all("Provides-Extra", [])

    assert {*provided, ""} == {extra for distribution, extra in PROMISES if distribution == name}


def test_every_module_is_promised_to_somebody() -> None:
    modules = {
        f"{package}.{path.stem}"
        for package in ("telemed_core", "adapters", "entrypoints")
        for path in (ROOT / "src" / package).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
        if path.stem not in {"__init__", "__main__"}
    }

    assert modules <= {module for promised in PROMISES.values() for module in promised}


@pytest.mark.parametrize(
    ("name", "packages"),
    [("telemed", ("adapters", "entrypoints", "telemed_core")), ("telemed-core", ("telemed_core",))],
)
def test_a_wheel_has_its_packages_with_their_types_a_licence_and_a_readme(
    wheels: dict[str, Path], name: str, packages: Sequence[str]
) -> None:
    with zipfile.ZipFile(wheels[name]) as archive:
        files = archive.namelist()

    assert {file.partition("/")[0] for file in files if ".dist-info/" not in file} == set(packages)
    assert {f"{package}/py.typed" for package in packages} <= set(files)
    assert [file for file in files if file.endswith(".dist-info/licenses/LICENSE")]
    assert str(metadata(wheels[name]).get_payload()).startswith("# ")
    assert not [file for file in files if "__pycache__" in file]


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_tree_makes_the_same_bytes(wheels: dict[str, Path], name: str, tmp_path: Path) -> None:
    assert build(SOURCES[name], tmp_path).read_bytes() == wheels[name].read_bytes()


def test_the_installed_command_shows_the_system_at_work(install: Install) -> None:
    python = install("telemed", "local")

    assert run(python.parent / "telemed", "demo")
