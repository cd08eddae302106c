"""All that the profile ``aws`` needs, played on this machine: the emulator, Chime, and a Postgres behind TLS."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from integration.emulator.chime_fixtures import chime
from integration.emulator.chime_played import Chime
from integration.emulator.chime_server import ChimeServer
from integration.emulator.ministack import CREDENTIALS, REGION, Ministack
from integration.emulator_journeys.aws_front import AwsFront
from integration.emulator_journeys.tls import Authority, TlsFront
from integration.postgres import PostgresServer

__all__ = [
    "HOST",
    "Rds",
    "Run",
    "authority",
    "aws",
    "bootstrapped",
    "chime",
    "made_by",
    "on_aws",
    "operators",
    "rds",
    "run",
]

ROOT = Path(__file__).parents[3]
TELEMED = (sys.executable, "-c", "from entrypoints.cli import main; main()")
HOST = "db.clinic.example"
"""The name that the database's certificate has; clients are told where that is."""


@attrs.frozen
class Rds:
    """A database that takes encrypted connections alone.

    Attributes:
        plainly: its address behind what ends TLS, for whoever looks at what is in it.
    """

    front: TlsFront
    authority: Path
    plainly: str
    name: str

    def url(self, host: str = HOST, **terms: str) -> str:
        """Its address, by a name that is looked up nowhere."""
        asked = {"hostaddr": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": str(self.authority)} | terms
        query = "&".join(f"{name}={value}" for name, value in asked.items() if value)
        return f"postgresql+psycopg://postgres@{host}:{self.front.port}/{self.name}?{query}"


@pytest.fixture
def authority() -> Authority:
    return Authority.made("the clinic's authority")


@pytest.fixture
def rds(postgres_server: PostgresServer, authority: Authority, tmp_path: Path) -> Iterator[Rds]:
    """One without tables."""
    name = postgres_server.create(migrated=False)
    with TlsFront(*authority.certified(tmp_path, HOST), port=postgres_server.port) as front:
        yield Rds(front, authority.trusted(tmp_path), postgres_server.url(name), name)
    postgres_server.drop(name)


@pytest.fixture
def aws(chime: Chime) -> Iterator[AwsFront]:
    """A new one, in which there is nothing."""
    with (
        Ministack() as emulator,
        ChimeServer(chime) as video,
        AwsFront(emulator_url=emulator.endpoint_url, chime_url=video.endpoint_url) as front,
    ):
        yield front


@pytest.fixture
def on_aws(aws: AwsFront, rds: Rds) -> Mapping[str, str]:
    return operators(aws, rds.url())


def operators(aws: AwsFront, database_url: str) -> dict[str, str]:
    """What an operator sets, but for what ``telemed aws bootstrap`` prints."""
    secrets = {
        f"TELEMED_{name}": base64.b64encode(bytes([number]) * 32).decode()
        for number, name in enumerate(("SECRET", "PEPPER", "DATA_KEY"))
    }
    return {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TELEMED_PROFILE": "aws",
        "TELEMED_AWS_ENDPOINT_URL": aws.endpoint_url,
        "TELEMED_CHIME_REGION": REGION,
        "TELEMED_DATABASE_URL": database_url,
        **secrets,
    }


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    folder = tmp_path / "here"
    folder.mkdir()
    return Run(folder)


@pytest.fixture
def bootstrapped(run: "Run", on_aws: Mapping[str, str]) -> Mapping[str, str]:
    """What ``telemed aws bootstrap`` has printed."""
    return made_by(run("aws", "bootstrap", environment=on_aws))


@attrs.frozen
class Run:
    """Runs ``telemed``, as people start it, in a folder of its own and with these variables alone."""

    folder: Path

    def __call__(self, *arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        own = {"PATH": os.defpath, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(self.folder)}
        return subprocess.run(
            [*TELEMED, *arguments],
            cwd=self.folder,
            env={**own, **environment},
            capture_output=True,
            text=True,
            timeout=240,
        )


def made_by(ended: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """The variables in what was printed."""
    assert (ended.returncode, ended.stderr) == (0, "")
    return dict(line.split("=", 1) for line in ended.stdout.splitlines())
