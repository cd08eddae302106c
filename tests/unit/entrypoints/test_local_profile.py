"""The local profile: its folder, its secrets and its database, and what is refused about them."""

import base64
import stat
from pathlib import Path
from typing import Any

import pytest

import adapters.sql
from adapters.memory import open_memory
from adapters.secret_files import Secrets, derive
from entrypoints.container import open_container
from entrypoints.settings import SettingsError, load_settings
from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.meetings import Meeting
from telemed_core.errors import UnauthenticatedError
from unit.entrypoints.api import issuer_key

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(scope="module")
def server() -> dict[str, str]:
    """Every secret, as a server database needs them."""
    keys = dict.fromkeys(("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY"), KEY)
    return {**keys, "TELEMED_ISSUER_KEY": issuer_key()}


@pytest.fixture
def stores_of_sql(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every opening of the SQL stores, which are memory's here."""
    opened: list[dict[str, Any]] = []

    def open_sql(url: str, **rest: Any) -> Any:
        opened.append({"url": url, "closed": 0, **rest})
        stores = open_memory()
        object.__setattr__(stores, "close", lambda: opened[-1].update(closed=opened[-1]["closed"] + 1))
        return stores

    monkeypatch.setattr(adapters.sql, "open_sql", open_sql)
    return opened


def test_the_local_profile_opens_a_migrated_file_in_its_own_private_folder(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    data = tmp_path / "new" / "clinic"
    container = open_container(load_settings({}, data=data))
    container.request_appointment()
    (opened,) = stores_of_sql
    assert (opened["url"], opened["migrate"]) == (f"sqlite:///{data}/telemed.db", True)
    assert opened["sealing"] is container.sealing()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert sorted(path.name for path in (data / "secrets").iterdir()) == ["data_key", "issuer_key", "pepper", "secret"]


def test_texts_are_sealed_under_the_keys_of_the_folder_and_the_previous_one_is_accepted(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    first = open_container(load_settings({}, data=tmp_path))
    sealed = first.sealing().seal("a cough", context="here")
    before = (tmp_path / "secrets" / "data_key").read_text()
    rotating = {"TELEMED_DATA_KEY": KEY, "TELEMED_DATA_KEY_PREVIOUS": before}
    second = open_container(load_settings(rotating, data=tmp_path))
    assert second.sealing().unseal(sealed, context="here") == "a cough"
    assert second.sealing().index("space", "value") == first.sealing().index("space", "value")


def test_rooms_are_named_by_the_folders_secret_and_live_on_while_it_is_rotated(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    visit, other = AppointmentId("visit-1"), AppointmentId("visit-2")
    first = open_container(load_settings({}, data=tmp_path))
    room = first.meeting_rooms().create(visit, generation=1)
    assert open_container(load_settings({}, data=tmp_path)).meeting_rooms().create(visit, generation=1) == room
    meeting = Meeting(visit, 1, room.id)
    token = first.meeting_rooms().admit(meeting, AccountId("patient-1")).details["token"]
    before = (tmp_path / "secrets" / "secret").read_text()
    rotating = open_container(load_settings({"TELEMED_SECRET": KEY, "TELEMED_SECRET_PREVIOUS": before}, data=tmp_path))
    assert rotating.meeting_rooms().find(meeting) == room
    assert rotating.attendee_tokens().verify(token) == first.attendee_tokens().verify(token)
    assert rotating.meeting_rooms().create(other, generation=1) != first.meeting_rooms().create(other, generation=1)
    after = open_container(load_settings({"TELEMED_SECRET": KEY}, data=tmp_path))
    assert after.meeting_rooms().find(meeting) is None
    with pytest.raises(UnauthenticatedError):
        after.attendee_tokens().verify(token)


def test_the_key_of_rooms_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[tuple[bytes, str]] = []

    def deriving(root: bytes, name: str) -> bytes:
        derived.append((root, name))
        return derive(root, name)

    monkeypatch.setattr("adapters.secret_files.derive", deriving)
    container = open_container(load_settings({}, data=tmp_path))
    container.meeting_rooms(), container.cursors(), container.identity()
    names = [name for _, name in derived]
    assert names[0] == "meeting"
    assert len(set(names)) == len(names) == 4
    assert {root for root, _ in derived} == {container.secrets().root}


def test_closing_closes_what_was_opened_and_nothing_else(tmp_path: Path, stores_of_sql: list[dict[str, Any]]) -> None:
    open_container(load_settings({}, data=tmp_path)).close()
    assert stores_of_sql == []
    container = open_container(load_settings({}, data=tmp_path))
    container.stores()
    container.close()
    container.close()
    assert [opened["closed"] for opened in stores_of_sql] == [1]


def test_a_folder_with_a_database_and_without_a_secret_is_refused_by_its_path(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    (tmp_path / "telemed.db").touch()
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({}, data=tmp_path)).stores()
    assert str(refused.value).startswith(f"{tmp_path}/secrets/secret is missing")
    assert stores_of_sql == []
    assert list((tmp_path / "secrets").iterdir()) == []


def test_data_are_where_the_address_says(tmp_path: Path, stores_of_sql: list[dict[str, Any]]) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.touch()
    with pytest.raises(SettingsError, match="secret is missing"):
        open_container(
            load_settings({"TELEMED_DATABASE_URL": f"sqlite:///{elsewhere}"}, data=tmp_path / "new")
        ).stores()


def test_a_malformed_secret_is_named_by_its_variable_or_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({"TELEMED_DATA_KEY": "short"}, data=tmp_path)).secrets()
    assert str(refused.value) == "TELEMED_DATA_KEY must be 32 bytes in base64"
    (tmp_path / "secrets" / "pepper").write_text("short")
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({}, data=tmp_path)).secrets()
    assert str(refused.value) == f"{tmp_path}/secrets/pepper must be 32 bytes in base64"


def test_secrets_that_others_may_read_are_refused_by_their_folder(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(0o755)
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({}, data=tmp_path)).secrets()
    assert str(refused.value) == f"{tmp_path}/secrets is open to others: chmod 700 it"


def test_a_data_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for data in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(SettingsError, match="TELEMED_DATA cannot be used as a folder: "):
            open_container(load_settings({}, data=data)).stores()


def test_with_a_server_nothing_is_written_beside_it(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]], server: dict[str, str]
) -> None:
    settings = load_settings({"TELEMED_DATABASE_URL": "postgresql://db/telemed"} | server, data=tmp_path / "data")
    container = open_container(settings)
    container.stores()
    assert isinstance(container.secrets(), Secrets)
    assert [opened["url"] for opened in stores_of_sql] == ["postgresql://db/telemed"]
    assert not (tmp_path / "data").exists()


def test_an_address_that_the_database_adapter_refuses_is_named(tmp_path: Path, server: dict[str, str]) -> None:
    settings = load_settings({"TELEMED_DATABASE_URL": "postgresql://db:port/telemed"} | server, data=tmp_path)
    with pytest.raises(SettingsError, match="TELEMED_DATABASE_URL "):
        open_container(settings).stores()
