"""Every gate can fail: each rule is broken once in a copy of the tree, and its gate says so."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

import run_parts

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BANNED = PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]

BREACHES: list[tuple[str, Mapping[str, str]]] = [
    ("1-outside-in", {"telemed_core/domain/rogue.py": "import adapters.memory"}),
    ("1-outside-in", {"adapters/rogue.py": "import entrypoints.settings"}),
    ("2-core-layers", {"telemed_core/domain/rogue.py": "import telemed_core.ports.storage"}),
    ("2-core-layers", {"telemed_core/ports/rogue.py": "import telemed_core.application.booking"}),
    ("2-core-layers", {"telemed_core/messages/rogue.py": "import telemed_core.application.booking"}),
    ("2-core-layers", {"telemed_core/application/rogue.py": "import telemed_core.testing"}),
    ("2-core-layers", {"telemed_core/rogue.py": "import attrs"}),
    ("2-testing-is-for-tests", {"adapters/rogue.py": "import telemed_core.testing"}),
    ("2-testing-is-for-tests", {"entrypoints/cli/rogue.py": "import telemed_core.testing"}),
    ("3-core-externals", {"telemed_core/application/rogue.py": "import sqlalchemy"}),
    ("3-core-externals", {"telemed_core/domain/rogue.py": "import json"}),
    ("3-core-externals", {"telemed_core/testing/rogue.py": "from os import environ"}),
    ("4-pydantic", {"telemed_core/application/rogue.py": "import pydantic"}),
    ("4-test-tools", {"telemed_core/domain/rogue.py": "import hypothesis"}),
    ("5-container", {"entrypoints/cli/rogue.py": "def lazily():\n    import adapters.memory"}),
    ("6-adapters", {"adapters/rogue.py": "import adapters.memory"}),
    ("6-entrypoints", {"entrypoints/http/rogue.py": "import entrypoints.cli"}),
    ("6-entrypoints", {"entrypoints/container/rogue.py": "import entrypoints.background"}),
    ("2-core-layers", {"telemed_core/application/rogue.py": "import telemed_core.saga.running"}),
    ("6-operations", {"entrypoints/operations/rogue.py": "import fastapi"}),
    ("6-entrypoints", {"entrypoints/settings_for_two.py": "import attrs"}),
    (
        "7-cycles",
        {
            "telemed_core/domain/hen.py": "import telemed_core.domain.egg",
            "telemed_core/domain/egg.py": "import telemed_core.domain.hen",
        },
    ),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sources and the gates' settings, to be broken."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(tree: Path, contract: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BIN / "lint-imports", "--no-logo", "--no-cache", "--contract", contract],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("contract", "files"), BREACHES, ids=[f"{name}-{number}" for number, (name, _) in enumerate(BREACHES)]
)
def test_a_breach_of_a_rule_of_dependency_breaks_its_contract(
    tree: Path, contract: str, files: Mapping[str, str]
) -> None:
    before = lint_imports(tree, contract)
    for name, text in files.items():
        (tree / "src" / name).write_text(f'"""Out of place."""\n\n{text}\n', encoding="utf-8")

    after = lint_imports(tree, contract)

    assert "1 kept, 0 broken" in before.stdout, before.stdout + before.stderr
    assert after.returncode == 1
    assert "0 kept, 1 broken" in after.stdout
    assert any(re.search(rf"\b{Path(name).stem}\b", after.stdout) for name in files)


def test_every_contract_was_broken_once() -> None:
    assert {one["id"] for one in PROJECT["tool"]["importlinter"]["contracts"]} == {contract for contract, _ in BREACHES}


def ruff(tree: Path, *arguments: str) -> str:
    command: list[str | Path] = [BIN / "ruff", "check", "--no-cache", "--output-format", "concise", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("banned", BANNED)
def test_the_core_may_not_name_what_is_a_port(tree: Path, banned: str) -> None:
    module, _, name = banned.partition(".")
    rogue = tree / "src" / "telemed_core" / "domain" / "rogue.py"
    rogue.write_text(f'"""Out of place."""\n\nimport {module}\n\nFOUND = {module}.{name or "x"}\n', encoding="utf-8")

    assert f"rogue.py:{5 if name else 3}" in ruff(tree, "--select", "TID251", "src/telemed_core")


def test_the_core_may_not_open_a_file(tree: Path) -> None:
    (tree / "src" / "telemed_core" / "domain" / "rogue.py").write_text(
        '"""."""\n\nFOUND = open("x")\n', encoding="utf-8"
    )

    assert re.search(r"rogue\.py:3:\d+: PTH123", ruff(tree, "src/telemed_core"))


def test_an_adapter_may_read_the_clock(tree: Path) -> None:
    (tree / "src" / "adapters" / "rogue.py").write_text(
        '"""."""\n\nimport time\n\nNOW = time.time()\n', encoding="utf-8"
    )

    assert "rogue.py" not in ruff(tree, "--select", "TID251", "src/adapters")


def test_what_is_not_chosen_is_not_loaded() -> None:
    code = "import sys, entrypoints.container; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "entrypoints.container" in loaded
    technologies = {"sqlalchemy", "alembic", "psycopg", "cryptography", "argon2", "zxcvbn", "icalendar", "smtplib"}
    assert not {*technologies, "hypothesis"} & set(loaded)
    assert [name for name in loaded if name.startswith("adapters.")] == []


def test_every_test_belongs_to_one_part() -> None:
    folders = [
        word
        for part in run_parts.PARTS
        if part.name != "coverage"  # the unit tests once more
        for command in part.commands
        for word in command
        if str(word).startswith("tests/")
    ]

    for path in (ROOT / "tests").rglob("test_*.py"):
        assert sum(path.is_relative_to(ROOT / folder) for folder in folders) == 1, path


def test_a_part_without_tests_has_failed(tmp_path: Path) -> None:
    part = run_parts.Part("nothing", 10, [run_parts.tests(str(tmp_path), "--rootdir", str(tmp_path))])

    part.run()

    assert part.broken
    assert part.failures == 1


def test_a_part_counts_its_tests_and_runs_on_after_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(
        "def test_a():\n    assert 1\n\n\ndef test_b():\n    assert 0\n", encoding="utf-8"
    )
    part = run_parts.Part(
        "two",
        10,
        [run_parts.tests(str(tmp_path), "--rootdir", str(tmp_path)), (sys.executable, "-c", "print('after')")],
    )

    part.run()

    assert (part.counts["passed"], part.failures, len(part.broken)) == (1, 1, 1)


def test_a_part_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("run_parts.PATIENCE", 1)
    part = run_parts.Part("hung", 1, [(sys.executable, "-c", "import time; time.sleep(60)")])

    part.run()

    assert part.broken
    assert part.seconds < 20
