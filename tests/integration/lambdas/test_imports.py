"""What a function loads before its first event: each in a process of its own, without what no zip has."""

import json
import subprocess
import sys
from pathlib import Path
from sysconfig import get_paths
from typing import Final

import attrs
import pytest

import entrypoints.lambdas

FUNCTIONS: Final = ("agenda", "decisions", "booking", "saga_starter", "saga_step", "notifier", "sweep", "sign_up")
SHARED: Final = frozenset({"__init__", "api_gateway", "events", "starting"})

IN_NO_ZIP: Final = frozenset(
    {"click", "dotenv", "fastapi", "granian", "pydantic_settings", "rich", "starlette", "werkzeug", "yaml"}
)
HEAVY: Final = IN_NO_ZIP | {
    "alembic", "anyio", "argon2", "boto3", "botocore", "cryptography", "icalendar", "joserfc", "limits", "psycopg",
    "s3transfer", "sqlalchemy", "urllib3", "zxcvbn",
}  # fmt: skip
LOADED: Final = frozenset(
    {
        "annotated_types", "attr", "attrs", "dependency_injector", "orjson", "pydantic", "pydantic_core",
        "typing_extensions", "typing_inspection",
    }
)  # fmt: skip
"""Third-party packages that a function may load before its first event."""

PROGRAM: Final = """
import importlib, json, sys

sys.path[:0] = json.loads(sys.argv[2])
missing = set(json.loads(sys.argv[3]))

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
before = set(sys.modules)
handler = importlib.import_module("entrypoints.lambdas." + sys.argv[1]).handler
assert callable(handler)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@attrs.frozen
class Loaded:
    """What a process had loaded when its function could be called."""

    modules: frozenset[str]

    @property
    def packages(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self.modules)

    @property
    def foreign(self) -> frozenset[str]:
        """Packages of others."""
        own = {"adapters", "entrypoints", "telemed_core"}
        # Compiled modules bring a part of their compiler along, and Python's own configuration has the platform's name.
        apart = ("cython", "sysconfigdata")
        found = self.packages - sys.stdlib_module_names - own
        return frozenset(name for name in found if not name.lstrip("_").startswith(apart))


def load(function: str, **environment: str) -> Loaded:
    paths = [str(Path(entrypoints.lambdas.__file__).parents[2]), get_paths()["platlib"]]
    arguments = (function, json.dumps(paths), json.dumps(sorted(IN_NO_ZIP)))
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, *arguments],
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return Loaded(frozenset(json.loads(ran.stdout)))


def test_these_are_all_functions_that_there_are() -> None:
    modules = {path.stem for path in Path(entrypoints.lambdas.__file__).parent.glob("*.py")}
    assert modules - SHARED == {*FUNCTIONS}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_before_its_first_event_a_function_has_loaded_nothing_heavy(function: str) -> None:
    loaded = load(function)
    print(f"{function}: {len(loaded.modules)} modules, of others {sorted(loaded.foreign)}")
    assert not loaded.packages & HEAVY
    assert loaded.foreign <= LOADED
    assert "adapters" not in loaded.packages


@pytest.mark.parametrize("function", FUNCTIONS)
def test_where_lambda_makes_the_process_its_parts_are_there_before_the_first_event(function: str) -> None:
    environment = {"TELEMED_PROFILE": "memory", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
    assert "adapters" in load(function, **environment).packages


@pytest.mark.parametrize("function", ["agenda", "booking", "decisions"])
def test_a_function_for_requests_loads_no_operations_of_others(function: str) -> None:
    of = {"agenda": {"agendas", "slots"}}.get(function, {"appointments", "one_appointment"})
    shared = {"answering", "exchange", "limits", "operation", "pages"}
    prefix = "entrypoints.operations."
    assert {name.removeprefix(prefix) for name in load(function).modules if name.startswith(prefix)} == of | shared
