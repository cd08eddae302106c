"""Settings of the AWS side: what a profile chooses, what goes together, and what is said of what does not."""

import base64

import pytest

from entrypoints.settings import Settings, SettingsError, effective, load_settings

KEY = base64.b64encode(b"k" * 32).decode()
DATABASE = "postgresql+psycopg://clinic:hunter2@db.example:5432/telemed"
VERIFIED = f"{DATABASE}?sslmode=verify-full&sslrootcert=/etc/rds.pem"
AWS = {
    "TELEMED_PROFILE": "aws",
    "TELEMED_DATABASE_URL": VERIFIED,
    "TELEMED_CHIME_REGION": "sa-east-1",
    "TELEMED_TOPIC_ARN": "arn:aws:sns:sa-east-1:000000000000:telemed-announcements.fifo",
    "TELEMED_QUEUE_URL": "https://sqs.sa-east-1.amazonaws.com/000000000000/telemed-notices.fifo",
    "TELEMED_USER_POOL_ID": "sa-east-1_Ab12",
    "TELEMED_USER_POOL_CLIENT_ID": "1example23456789",
    "TELEMED_STATE_MACHINES": "arn:aws:states:sa-east-1:000000000000:stateMachine:telemed-",
    "TELEMED_SECRET": KEY,
    "TELEMED_PEPPER": KEY,
    "TELEMED_DATA_KEY": KEY,
}


def on_aws(**changed: str | None) -> Settings:
    """The settings of AWS but for these; ``None``: without it."""
    variables = AWS | {f"TELEMED_{name.upper()}": value for name, value in changed.items()}
    return load_settings({name: value for name, value in variables.items() if value is not None})


def refusal(**changed: str | None) -> str:
    with pytest.raises(SettingsError) as refused:
        on_aws(**changed)
    return str(refused.value)


def chosen(settings: Settings) -> tuple[str, ...]:
    return settings.store, settings.events, settings.identity, settings.meetings, settings.saga_engine


def test_a_profile_chooses_each_adapter() -> None:
    memory, local = load_settings({"TELEMED_PROFILE": "memory"}), load_settings({})
    assert chosen(memory) == ("memory", "process", "local", "memory", "embedded")
    assert chosen(local) == ("sql", "process", "local", "webrtc", "embedded")
    assert chosen(on_aws()) == ("dynamodb", "sns", "cognito", "chime", "step_functions")
    assert [one.keeps_memory_only for one in (memory, local, on_aws())] == [True, False, False]


def test_each_adapter_can_be_chosen_on_its_own() -> None:
    keys = {name: AWS[name] for name in ("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY")}
    mixed = load_settings({**keys, "TELEMED_ISSUER_KEY": "PEM", "TELEMED_STORE": "dynamodb"})
    assert chosen(mixed) == ("dynamodb", "process", "local", "webrtc", "embedded")
    own = on_aws(saga_engine="embedded", state_machines=None, meetings="webrtc", chime_region=None)
    assert chosen(own) == ("dynamodb", "sns", "cognito", "webrtc", "embedded")
    assert chosen(on_aws(events="process", topic_arn=None, queue_url=None))[1] == "process"


def test_a_default_is_shown_as_its_profile_has_it() -> None:
    shown = {one.name: (one.value, one.default) for one in effective(on_aws(meetings="webrtc", chime_region=None))}
    assert shown["TELEMED_STORE"] == ("dynamodb", "dynamodb")
    assert shown["TELEMED_MEETINGS"] == ("webrtc", "chime")
    assert shown["TELEMED_AWS_PREFIX"] == ("telemed-", "telemed-")
    assert "hunter2" not in str(shown)
    assert KEY not in str(shown)


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("chime_region", "TELEMED_MEETINGS=chime"),
        ("topic_arn", "TELEMED_EVENTS=sns"),
        ("user_pool_id", "TELEMED_IDENTITY=cognito"),
        ("user_pool_client_id", "TELEMED_IDENTITY=cognito"),
        ("state_machines", "TELEMED_SAGA_ENGINE=step_functions"),
    ],
)
def test_what_a_service_needs_is_set_with_it_and_with_no_other(name: str, beside: str) -> None:
    text = f"TELEMED_{name.upper()} must be set with {beside}, and with no other"
    assert refusal(**{name: None}) == text
    with pytest.raises(SettingsError) as refused:
        load_settings({f"TELEMED_{name.upper()}": AWS[f"TELEMED_{name.upper()}"]})
    assert str(refused.value) == text


def test_the_queue_may_be_left_to_functions_but_needs_its_topic() -> None:
    assert on_aws(queue_url=None).queue_url is None
    assert refusal(events="process", topic_arn=None) == (
        "TELEMED_QUEUE_URL must be left out: only TELEMED_EVENTS=sns has a queue"
    )


def test_executions_are_begun_by_dynamodb_alone() -> None:
    assert refusal(store="sql") == (
        "TELEMED_SAGA_ENGINE must be embedded: executions are begun by what TELEMED_STORE=dynamodb streams"
    )


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"TELEMED_PROFILE": "aws"})
    for name in AWS.keys() - {"TELEMED_PROFILE", "TELEMED_QUEUE_URL"}:
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"at": "2026-06-01T12:00:00Z"},
            "TELEMED_AT must be left out: services of AWS have clocks of their own",
        ),
        (
            {"identity": "local", "user_pool_id": None, "user_pool_client_id": None, "issuer_key": "PEM"},
            "TELEMED_IDENTITY must be cognito: on the aws profile nobody else signs tokens",
        ),
        (
            {"database_url": None},
            "TELEMED_DATABASE_URL must be set to a Postgres server: on the aws profile no machine keeps a file",
        ),
        (
            {"database_url": "sqlite:////srv/telemed.db"},
            "TELEMED_DATABASE_URL must be set to a Postgres server: on the aws profile no machine keeps a file",
        ),
        *(
            (
                {"database_url": url},
                "TELEMED_DATABASE_URL must say sslmode=verify-full: the server's certificate is to be checked",
            )
            for url in (
                DATABASE,
                f"{DATABASE}?sslmode=require",
                f"{DATABASE}?sslmode=verify-full&sslmode=disable",
                f"{DATABASE}?sslmode=verify-ca",
                "postgresql+psycopg://clinic:x@localhost/telemed?host=db.example",
                "postgresql+psycopg://clinic:x@localhost/telemed?hostaddr=192.0.2.1",
                "postgresql+psycopg:///telemed",
            )
        ),
        (
            {"secret": None, "pepper": None, "data_key": None},
            "TELEMED_SECRET, TELEMED_PEPPER, TELEMED_DATA_KEY must be set: "
            "what is kept elsewhere has no folder to keep secrets in",
        ),
        ({"topic_arn": "telemed-announcements"}, "TELEMED_TOPIC_ARN must be the ARN of a FIFO topic of SNS"),
        (
            {"topic_arn": "arn:aws:sns:sa-east-1:000000000000:telemed-announcements"},
            "TELEMED_TOPIC_ARN must be the ARN of a FIFO topic of SNS",
        ),
        ({"queue_url": "telemed-notices.fifo"}, "TELEMED_QUEUE_URL must be the URL of a FIFO queue of SQS"),
        ({"queue_url": "https://sqs.example/notices"}, "TELEMED_QUEUE_URL must be the URL of a FIFO queue of SQS"),
        ({"user_pool_id": "pool"}, "TELEMED_USER_POOL_ID must be the id of a user pool: REGION_ID"),
        ({"user_pool_client_id": "a b"}, "TELEMED_USER_POOL_CLIENT_ID must be the id of a user pool's client"),
        (
            {"state_machines": "telemed-"},
            "TELEMED_STATE_MACHINES must be the beginning of a state machine's ARN",
        ),
        ({"aws_prefix": "clínica-"}, "TELEMED_AWS_PREFIX must be 1 to 32 of A-Z, a-z, 0-9, _ and -"),
        ({"store": "rds"}, "TELEMED_STORE must be memory, sql or dynamodb"),
        ({"events": "sqs"}, "TELEMED_EVENTS must be process or sns"),
        ({"identity": "okta"}, "TELEMED_IDENTITY must be local or cognito"),
        ({"saga_engine": "temporal"}, "TELEMED_SAGA_ENGINE must be embedded or step_functions"),
    ],
)
def test_what_aws_does_not_take_is_named(changed: dict[str, str | None], expected: str) -> None:
    assert refusal(**changed) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_database_of_this_very_machine_needs_no_certificate(host: str) -> None:
    assert on_aws(database_url=f"postgresql+psycopg://clinic:x@{host}:5432/telemed").profile == "aws"


def test_without_an_issuer_of_ours_no_key_of_its_is_asked_for() -> None:
    keys = {name: AWS[name] for name in ("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY")}
    with pytest.raises(SettingsError, match=r"^TELEMED_ISSUER_KEY must be set"):
        load_settings({**keys, "TELEMED_STORE": "dynamodb"})
    assert on_aws().issuer_key is None
