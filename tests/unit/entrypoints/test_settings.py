"""Settings: what is allowed, and what a wrong one is answered."""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.smtp import open_smtp
from entrypoints.cli import telemed
from entrypoints.cli.running import run
from entrypoints.failures import MISUSED
from entrypoints.settings import SECRETS, Settings, SettingsError, effective, handed_on, load_settings

KEY = base64.b64encode(b"k" * 32).decode()
SERVER = "postgresql+psycopg://clinic:hunter2@db.example:5432/telemed"
KEYS = {f"TELEMED_{name.upper()}": KEY for name in SECRETS}

VIDEO = "TELEMED_MEETINGS must be memory, webrtc or chime"
REGION = "TELEMED_CHIME_REGION must be set with TELEMED_MEETINGS=chime, and with no other"
NO_ICE = "TELEMED_ICE_SERVERS must be left out: only meetings from browser to browser use them"


def refusal(environment: dict[str, str], **options: object) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(environment, **options)
    return str(refused.value)


def test_without_variables_it_is_one_machine_in_the_folder_data() -> None:
    settings = load_settings({"PATH": "/bin", "TELEMEDX": "1"})
    assert (settings.profile, settings.data, settings.at) == ("local", Path("data"), None)
    assert settings.sql_url == "sqlite:///data/telemed.db"
    assert settings.database_file == Path("data/telemed.db")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.configured_secrets() == {}


def test_the_environment_of_the_process_is_read_where_none_is_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMED_DATA", "/srv/clinic")
    assert load_settings().data == Path("/srv/clinic")


def test_options_win_over_the_environment_and_none_is_no_option() -> None:
    settings = load_settings({"TELEMED_DATA": "a", "TELEMED_PROFILE": "memory"}, data=Path("b"), profile=None)
    assert (settings.data, settings.profile) == (Path("b"), "memory")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TELEMED_PROFILE": "cloud"}, "TELEMED_PROFILE must be memory, local or aws"),
        ({"TELEMED_PROFILE": "Memory"}, "TELEMED_PROFILE must be memory, local or aws"),
        ({"TELEMED_AT": "tomorrow"}, "TELEMED_AT must be an instant such as 2026-06-01T12:00:00-03:00"),
        ({"TELEMED_AT": "2026-06-01T12:00:00"}, "TELEMED_AT must be an instant such as 2026-06-01T12:00:00-03:00"),
        ({"TELEMED_AT": "2026-02-30T12:00:00Z"}, "TELEMED_AT is not an instant of the calendar"),
        ({"TELEMED_AT": "1815-06-18T12:00:00Z"}, "TELEMED_AT must lie in the years 1990 to 2199"),
        ({"TELEMED_DATA": " "}, "TELEMED_DATA is empty: leave it out, or say something"),
        ({"TELEMED_PEPPER": ""}, "TELEMED_PEPPER is empty: leave it out, or say something"),
        ({"TELEMED_DATABSE_URL": "x"}, "TELEMED_DATABSE_URL is not a setting: did you mean TELEMED_DATABASE_URL?"),
        ({"TELEMED_data": "x"}, "TELEMED_data is not a setting: did you mean TELEMED_DATA?"),
        (
            {"TELEMED_PEPPER_PREVIOUS": KEY},
            "TELEMED_PEPPER_PREVIOUS is not a setting: did you mean TELEMED_SECRET_PREVIOUS?",
        ),
        ({"TELEMED_ZZZ": "x"}, "TELEMED_ZZZ is not a setting"),
        ({"TELEMED_": "x"}, "TELEMED_ is not a setting"),
        ({"TELEMED_BACKGROUND": "yes"}, "TELEMED_BACKGROUND must be on or off"),
        ({"TELEMED_DEMO": "1"}, "TELEMED_DEMO must be true or false"),
        ({"TELEMED_THREADS": "0"}, "TELEMED_THREADS must be a whole number from 1 to 256"),
        ({"TELEMED_THREADS": "1.5"}, "TELEMED_THREADS must be a whole number from 1 to 256"),
        ({"TELEMED_THREADS": "257"}, "TELEMED_THREADS must be a whole number from 1 to 256"),
        ({"TELEMED_THREADS": "٤"}, "TELEMED_THREADS must be a whole number from 1 to 256"),
        ({"TELEMED_TRUSTED_PROXIES": "-1"}, "TELEMED_TRUSTED_PROXIES must be a whole number from 0 to 16"),
        ({"TELEMED_TRUSTED_PROXIES": "None"}, "TELEMED_TRUSTED_PROXIES must be a whole number from 0 to 16"),
        (
            {"TELEMED_REQUESTS_PER_MINUTE": "0"},
            "TELEMED_REQUESTS_PER_MINUTE must be a whole number from 1 to 1000000",
        ),
        ({"TELEMED_CLOCK_BEGAN": "noon"}, "TELEMED_CLOCK_BEGAN must be a number of seconds"),
        ({"TELEMED_CLOCK_BEGAN": "nan"}, "TELEMED_CLOCK_BEGAN must be a number of seconds"),
        (
            {"TELEMED_MAIL_FROM": "clinic"},
            "TELEMED_MAIL_FROM must be an e-mail address such as no-reply@clinic.example",
        ),
        (
            {"TELEMED_SMTP_URL": "mail.example"},
            "TELEMED_SMTP_URL must be smtp://[USER:PASSWORD@]HOST[:PORT], or smtps://…",
        ),
        ({"TELEMED_OBJECTS": "s3"}, "TELEMED_OBJECTS is not a setting of this release"),
        ({"TELEMED_MEETINGS": "chime"}, REGION),
        ({"TELEMED_CHIME_REGION": "sa-east-1"}, REGION),
        (
            {"TELEMED_AWS_ENDPOINT_URL": "127.0.0.1"},
            "TELEMED_AWS_ENDPOINT_URL must be an address such as http://127.0.0.1:4566",
        ),
        ({"TELEMED_MEETINGS": "zoom"}, VIDEO),
        ({"TELEMED_MEETINGS": "WebRTC"}, VIDEO),
        ({"TELEMED_MEETINGS": ""}, "TELEMED_MEETINGS is empty: leave it out, or say something"),
        ({"TELEMED_ICE_SERVERS": " "}, "TELEMED_ICE_SERVERS is empty: leave it out, or say something"),
        ({"TELEMED_PROFILE": "memory", "TELEMED_ICE_SERVERS": "[]"}, NO_ICE),
        ({"TELEMED_MEETINGS": "memory", "TELEMED_ICE_SERVERS": "[]"}, NO_ICE),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_allowed(environment: dict[str, str], expected: str) -> None:
    assert refusal(environment) == expected


def test_all_wrong_variables_are_named_at_once() -> None:
    assert refusal({"TELEMED_PROFILE": "x", "TELEMED_AT": "x"}) == (
        "TELEMED_PROFILE must be memory, local or aws; TELEMED_AT must be an instant such as 2026-06-01T12:00:00-03:00"
    )


def test_an_option_is_held_to_the_same() -> None:
    assert refusal({}, profile="cloud", at=datetime(2026, 6, 1, tzinfo=UTC)).startswith("TELEMED_PROFILE must be")
    assert (
        refusal({}, at=datetime(2026, 6, 1, tzinfo=UTC).replace(tzinfo=None))
        == "TELEMED_AT must say its offset from UTC"
    )


@pytest.mark.parametrize(
    "url",
    [
        "clinic.example",
        "ftp://clinic.example",
        "https://",
        "https://me:secret@clinic.example",
        "https://clinic.example?a",
        "https://clinic.example#a",
        "https://clinic.example/a b",
        "https://clínica.example",
        "https://[",
        "https://a:99999",
        "https://a:x",
        "https://a\n",
    ],
)  # fmt: skip - one line of a kind
def test_a_public_url_is_a_plain_web_address(url: str) -> None:
    assert (
        refusal({"TELEMED_PUBLIC_URL": url}) == "TELEMED_PUBLIC_URL must be an address such as https://clinic.example"
    )


def test_a_public_url_does_not_end_in_a_slash() -> None:
    assert (
        load_settings({"TELEMED_PUBLIC_URL": "https://clinic.example/app/"}).public_url == "https://clinic.example/app"
    )


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///clinic.db", "clinic.db"),
        ("sqlite:////srv/clinic.db", "/srv/clinic.db"),
        ("sqlite+pysqlite:////srv/clinic.db?timeout=5", "/srv/clinic.db"),
    ],
)
def test_a_sqlite_file_can_lie_anywhere(url: str, file: str) -> None:
    settings = load_settings({"TELEMED_DATABASE_URL": url})
    assert (settings.sql_url, settings.database_file) == (url, Path(file))


@pytest.mark.parametrize("url", [SERVER, "postgresql:///telemed", "postgres://db/telemed"])
def test_a_server_has_no_file(url: str) -> None:
    settings = load_settings({"TELEMED_DATABASE_URL": url} | KEYS)
    assert (settings.sql_url, settings.database_file) == (url, None)


@pytest.mark.parametrize(
    "url",
    ["x", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "mysql://a/b", "postgresql://"],
)
def test_another_database_is_refused_and_its_address_not_shown(url: str) -> None:
    expected = "TELEMED_DATABASE_URL must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    assert refusal({"TELEMED_DATABASE_URL": url} | KEYS) == expected


@pytest.mark.parametrize("missing", SECRETS)
def test_a_server_database_needs_every_secret_configured(missing: str) -> None:
    name = f"TELEMED_{missing.upper()}"
    keys = {variable: value for variable, value in KEYS.items() if variable != name}
    assert refusal({"TELEMED_DATABASE_URL": SERVER} | keys).startswith(f"{name} must be set")


def test_all_missing_secrets_are_named_at_once() -> None:
    assert refusal({"TELEMED_DATABASE_URL": SERVER, "TELEMED_PEPPER": KEY}).startswith(
        "TELEMED_SECRET, TELEMED_DATA_KEY, TELEMED_ISSUER_KEY must be set"
    )


def test_the_memory_profile_takes_no_database() -> None:
    assert refusal({"TELEMED_PROFILE": "memory", "TELEMED_DATABASE_URL": "sqlite:///x.db"}) == (
        "TELEMED_DATABASE_URL must be left out: what is kept in memory has no database"
    )


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example",
        "smtp://127.0.0.1:2525",
        "smtp://[::1]:2525",
        "smtps://mail.example/",
        "smtps://clinic:p%40ss@mail.example:465",
    ],
)
def test_a_mail_server_is_an_address_that_the_mailer_takes(url: str) -> None:
    settings = load_settings({"TELEMED_SMTP_URL": url})
    assert settings.smtp_url is not None
    assert settings.smtp_url.get_secret_value() == url
    open_smtp(url, settings.mail_from)


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://clinic@mail.example",
        "smtp://clinic:@mail.example",
        "smtp://:hunter2@mail.example",
        "smtp://clinic:hun/ter2@mail.example",
        "smtp://mail.example:99999",
        "smtp://mail.example:0",
        "smtp://mail.example:x",
        "smtp://mail.example/inbox",
        "smtp://mail.example?a",
        "smtp://mail.example#a",
        "smtp://[",
        "smtp://correio.saúde.example",
        "smtp://mail.example\n",
    ],
)
def test_another_mail_server_is_refused_and_its_address_not_shown(url: str) -> None:
    expected = "TELEMED_SMTP_URL must be smtp://[USER:PASSWORD@]HOST[:PORT], or smtps://…"
    assert refusal({"TELEMED_SMTP_URL": url}) == expected


@pytest.mark.parametrize(
    "address",
    [
        "a",
        "@b.example",
        "a@",
        "a b@c.example",
        "a@b..example",
        "a@b.example\nBcc: c@d.example",
        "á@b.example",
        "<a@b.example>",
        f"{'a' * 65}@b.example",
        f"a@{'b' * 63}.{'.'.join(['c' * 63] * 4)}",
    ],
)
def test_what_is_no_address_is_no_sender(address: str) -> None:
    expected = "TELEMED_MAIL_FROM must be an e-mail address such as no-reply@clinic.example"
    assert refusal({"TELEMED_MAIL_FROM": address}) == expected


def test_without_a_mail_server_there_is_a_sender_all_the_same() -> None:
    settings = load_settings({})
    assert (settings.smtp_url, settings.mail_from) == (None, "no-reply@localhost")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("smtp://clinic:hunter2@mail.example:587", "smtp://clinic:***@mail.example:587"),
        ("smtp://clinic:hun@ter2@mail.example", "smtp://clinic:***@mail.example"),
        ("smtps://mail.example", "smtps://mail.example"),
    ],
)
def test_the_password_of_a_mail_server_is_masked(url: str, shown: str) -> None:
    settings = load_settings({"TELEMED_SMTP_URL": url})
    assert next(one.value for one in effective(settings) if one.name == "TELEMED_SMTP_URL") == shown
    assert "ter2" not in repr(settings)


def test_the_clock_starts_at_an_instant_told_with_any_offset() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    for told in ("2026-06-01T12:00:00Z", "2026-06-01T09:00:00-03:00", noon):
        at = load_settings({}, at=told).at
        assert at == noon
        assert at.tzinfo is UTC


def test_serving_is_one_worker_that_sweeps_trusts_no_proxy_and_limits_nobody() -> None:
    settings = load_settings({})
    assert (settings.background, settings.threads, settings.trusted_proxies) == ("on", 16, 0)
    assert (settings.requests_per_minute, settings.demo, settings.clock_began) == (None, False, None)


def test_how_it_is_served_is_read_from_variables() -> None:
    settings = load_settings(
        {
            "TELEMED_BACKGROUND": "off",
            "TELEMED_THREADS": "4",
            "TELEMED_TRUSTED_PROXIES": "2",
            "TELEMED_REQUESTS_PER_MINUTE": "600",
            "TELEMED_DEMO": "True",
            "TELEMED_CLOCK_BEGAN": "17.25",
        }
    )
    assert (settings.background, settings.threads, settings.trusted_proxies) == ("off", 4, 2)
    assert (settings.requests_per_minute, settings.demo, settings.clock_began) == (600, True, 17.25)


def test_another_process_is_told_the_options_and_reads_the_same() -> None:
    environment = {"TELEMED_DATA": "a", "TELEMED_THREADS": "3"}
    settings = load_settings(
        environment, data=Path("b c"), at="2026-06-01T09:00:00.25-03:00", demo=True, clock_began=1234.0625
    )
    told = handed_on(settings, public_url="http://127.0.0.1:1")
    assert told == {
        "TELEMED_DATA": "b c",
        "TELEMED_AT": "2026-06-01T12:00:00.250000+00:00",
        "TELEMED_DEMO": "True",
        "TELEMED_CLOCK_BEGAN": "1234.0625",
        "TELEMED_PUBLIC_URL": "http://127.0.0.1:1",
    }
    there = load_settings(environment | told)
    assert there.model_dump() == settings.model_dump() | {"public_url": "http://127.0.0.1:1"}


def test_secrets_are_handed_on_by_name_and_never_shown() -> None:
    settings = load_settings(KEYS | {"TELEMED_DATA_KEY_PREVIOUS": KEY})
    assert settings.configured_secrets() == dict.fromkeys([*SECRETS, "data_key_previous"], KEY)
    assert KEY not in repr(settings)
    assert KEY not in str(effective(settings))


@pytest.mark.parametrize(
    ("environment", "video"),
    [
        ({}, "webrtc"),
        ({"TELEMED_PROFILE": "memory"}, "memory"),
        ({"TELEMED_PROFILE": "memory", "TELEMED_MEETINGS": "webrtc"}, "webrtc"),
        ({"TELEMED_PROFILE": "local", "TELEMED_MEETINGS": "memory"}, "memory"),
    ],
)
def test_each_profile_has_its_video_unless_another_is_chosen(environment: dict[str, str], video: str) -> None:
    settings = load_settings(environment)
    assert settings.meetings == video
    shown = next(one for one in effective(settings) if one.name == "TELEMED_MEETINGS")
    assert shown.value == video
    assert shown.default == ("memory" if settings.profile == "memory" else "webrtc")
    assert shown.source == ("environment" if "TELEMED_MEETINGS" in environment else "default")


def test_the_profile_may_be_an_option_and_the_video_follows() -> None:
    assert load_settings({"TELEMED_PROFILE": "local"}, profile="memory").meetings == "memory"


def test_where_the_profile_is_wrong_nothing_is_said_of_its_video() -> None:
    assert refusal({"TELEMED_PROFILE": "x"}) == "TELEMED_PROFILE must be memory, local or aws"
    assert refusal({"TELEMED_PROFILE": "x", "TELEMED_MEETINGS": "x"}).endswith(f"; {VIDEO}")


def test_the_passwords_of_ice_servers_are_masked() -> None:
    servers = '[{"urls": "turn:turn.example", "username": "clinic", "credential": "hunter2"}]'
    settings = load_settings({"TELEMED_ICE_SERVERS": servers})
    assert settings.ice_servers is not None
    assert settings.ice_servers.get_secret_value() == servers
    for shown in (repr(settings), str(effective(settings))):
        assert "hunter2" not in shown
        assert "turn.example" not in shown
    unset = next(one for one in effective(load_settings({})) if one.name == "TELEMED_ICE_SERVERS")
    assert (unset.value, unset.default) == ("", "")


@pytest.mark.parametrize("command", ["config", "serve --port 0", "doctors list", "demo"])
def test_wrong_ice_servers_are_named_by_every_command_before_anything_starts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("TELEMED_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TELEMED_ICE_SERVERS", "hunter2")
    assert run(telemed, ["--data", str(tmp_path / "new"), *command.split()]) == MISUSED
    told = capsys.readouterr()
    assert told.err == 'Error: TELEMED_ICE_SERVERS must be a JSON list such as [{"urls": "stun:stun.example:3478"}]\n'
    assert told.out == ""
    assert [*tmp_path.iterdir()] == []


def test_settings_do_not_change() -> None:
    settings = load_settings({})
    with pytest.raises(ValueError, match="frozen"):
        settings.profile = "memory"


def test_what_is_in_force_is_told_with_where_it_comes_from() -> None:
    told = effective(load_settings({"TELEMED_PUBLIC_URL": "https://clinic.example"}, at="2026-06-01T09:00:00-03:00"))
    assert [one.name for one in told] == [f"TELEMED_{name.upper()}" for name in Settings.model_fields]
    assert all(one.description for one in told)
    by_name = {one.name: (one.value, one.default, one.source) for one in told}
    assert by_name["TELEMED_PUBLIC_URL"] == ("https://clinic.example", "http://127.0.0.1:8000", "environment")
    assert by_name["TELEMED_AT"] == ("2026-06-01T12:00:00+00:00", "", "option")
    assert by_name["TELEMED_DATA"] == ("data", "data", "default")
    assert by_name["TELEMED_SECRET"] == ("", "", "default")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (SERVER, "postgresql+psycopg://clinic:***@db.example:5432/telemed"),
        ("postgresql://clinic:hun@ter2@db/telemed", "postgresql://clinic:***@db/telemed"),
        ("postgresql://clinic:hun/ter2@db/telemed", "postgresql://clinic:***@db/telemed"),
        ("postgresql://clinic@db/telemed", "postgresql://clinic@db/telemed"),
        (
            "postgresql://db/telemed?user=a&password=hunter2&sslpassword=x",
            "postgresql://db/telemed?user=a&password=***&sslpassword=***",
        ),
        ("sqlite:////srv/clinic.db", "sqlite:////srv/clinic.db"),
    ],
)  # fmt: skip - one line each
def test_the_password_of_a_database_is_masked(url: str, shown: str) -> None:
    told = effective(load_settings({"TELEMED_DATABASE_URL": url} | KEYS))
    assert next(one.value for one in told if one.name == "TELEMED_DATABASE_URL") == shown
