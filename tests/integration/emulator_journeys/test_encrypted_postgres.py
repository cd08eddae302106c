"""The database behind TLS, as RDS is: whoever is not who the address says is told nothing."""

import socket
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sql import open_sql
from integration.emulator_journeys.conftest import HOST, Rds, Run
from integration.emulator_journeys.tls import Authority, TlsFront
from integration.postgres import PostgresServer
from telemed_core.errors import UnavailableError
from telemed_core.ports.services import Sealing

MADE = {
    "TELEMED_TOPIC_ARN": "arn:aws:sns:sa-east-1:000000000000:telemed-announcements.fifo",
    "TELEMED_USER_POOL_ID": "sa-east-1_Ab12",
    "TELEMED_USER_POOL_CLIENT_ID": "1example23456789",
    "TELEMED_STATE_MACHINES": "arn:aws:states:sa-east-1:000000000000:stateMachine:telemed-",
}


def test_tables_are_made_and_used_over_connections_that_are_all_encrypted(rds: Rds, sealing: Sealing) -> None:
    stores = open_sql(rds.url(), sealing=sealing)
    try:
        stores.check()
        assert list(stores.notices.log(after=None, limit=1)) == []
    finally:
        stores.close()
    assert len(rds.front.met()) >= 2
    assert set(rds.front.met()) == {"served"}


def test_a_certificate_of_another_authority_is_not_trusted(rds: Rds, sealing: Sealing, tmp_path: Path) -> None:
    other = Authority.made("another authority").trusted(tmp_path)
    assert _met(rds.front, rds.url(sslrootcert=str(other)), sealing) == {"left"}


def test_a_certificate_of_another_name_is_not_trusted(rds: Rds, sealing: Sealing) -> None:
    assert _met(rds.front, rds.url(host="other.clinic.example"), sealing) == {"left"}


def test_a_certificate_that_has_expired_is_not_trusted(
    postgres_server: PostgresServer, authority: Authority, rds: Rds, sealing: Sealing, tmp_path: Path
) -> None:
    expired = authority.certified(tmp_path, HOST, until=-timedelta(minutes=1))
    with TlsFront(*expired, port=postgres_server.port) as front:
        assert _met(front, Rds(front, rds.authority, rds.plainly, rds.name).url(), sealing) == {"left"}


def test_the_server_takes_nothing_that_is_not_encrypted(rds: Rds, sealing: Sealing) -> None:
    assert _met(rds.front, rds.url(sslmode="disable", sslrootcert=""), sealing) == {"plain"}


def test_a_server_that_does_not_encrypt_is_told_nothing(rds: Rds, sealing: Sealing) -> None:
    """One that answers ``N`` to whoever asks for TLS; what comes after that is what it would get to know."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = rds.url().replace(f":{rds.front.port}/", f":{listening.getsockname()[1]}/")
        listening.settimeout(10)
        heard: list[bytes] = []

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                heard.append(connection.recv(8))
                connection.sendall(b"N")
                heard.append(connection.recv(8))

        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(answer)
            with pytest.raises(UnavailableError):
                _opened(url, sealing)
            answered.result(10)
    assert heard == [struct.pack(">II", 8, 80_877_103), b""]


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", ""])
def test_the_profile_takes_no_address_that_does_not_ask_for_all_of_it(
    run: Run, on_aws: Mapping[str, str], rds: Rds, mode: str
) -> None:
    database = {"TELEMED_DATABASE_URL": rds.url(sslmode=mode)}
    ended = run("notifications", "list", environment={**on_aws, **MADE, **database})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "TELEMED_DATABASE_URL must say sslmode=verify-full" in ended.stderr
    assert rds.front.met() == ()


@pytest.mark.parametrize(
    ("wrong", "met"),
    [
        ({"host": "other.clinic.example"}, "left"),
        # On this very machine the profile allows it, and the server does not.
        ({"host": "127.0.0.1", "hostaddr": "", "sslmode": "disable", "sslrootcert": ""}, "plain"),
    ],
)
def test_a_command_tells_of_an_outage_where_the_database_is_not_who_it_should_be(
    run: Run, on_aws: Mapping[str, str], rds: Rds, wrong: Mapping[str, str], met: str
) -> None:
    ended = run("notifications", "list", environment={**on_aws, **MADE, "TELEMED_DATABASE_URL": rds.url(**wrong)})
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("dependency_unavailable: ")
    assert len(ended.stderr.splitlines()) == 1
    assert set(rds.front.met()) == {met}


def _met(front: TlsFront, url: str, sealing: Sealing) -> set[str]:
    """What that server has seen of a client that was to be turned away, or turned away itself."""
    with pytest.raises(UnavailableError):
        _opened(url, sealing)
    return set(front.met())


def _opened(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing, migrate=False)
    try:
        stores.check()
    finally:
        stores.close()
