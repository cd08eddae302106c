"""``telemed demo --profile aws`` as people start it: the whole journey, on services that are played here."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
import psycopg
import pytest

from integration.emulator.chime_played import Chime
from integration.emulator.ministack import REGION
from integration.emulator_journeys.aws_front import AwsFront
from integration.emulator_journeys.conftest import Rds, Run

TABLES: Final = ("accounts", "clinical", "directory", "scheduling")


def test_the_whole_journey_leaves_its_notices_in_postgres_and_all_else_at_aws(
    run: Run, on_aws: Mapping[str, str], bootstrapped: Mapping[str, str], rds: Rds, aws: AwsFront, chime: Chime
) -> None:
    ended = run("demo", "--profile", "aws", environment={**on_aws, **bootstrapped})
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    for step in (
        "1. Registration",
        "refused: already_registered",
        "refused: slot_taken",
        "is told: Appointment confirmed",
        "calendar CANCEL 3",
        "they meet in one place there",
        "no_show: patient",
        "rated 5.0 by 1",
        "sets another one with what came by e-mail",
        "clean",
        "21. Sagas",
        "Everything ended as it must",
    ):
        assert step in ended.stdout
    print(f"\n{sum(aws.asked.values())} requests: {dict(aws.asked.most_common())}")

    assert set(rds.front.met()) == {"served"}
    notices = rows(rds)
    told = ended.stdout.count("is told: ") * 2 + ended.stdout.count("gets by e-mail: ")
    # And somebody unknown, who has forgotten a password, is told nothing.
    assert Counter(status for _, status in notices) == {"delivered": told, "dropped": 1}
    assert filled(rds) == {"alembic_version", "notices"}
    ids = [notice for notice, _ in notices]
    kept = [json.dumps(item) for table in TABLES for item in items(aws, f"telemed-{table}")]
    assert len(kept) > len(ids)
    assert not [item for item in kept if any(notice in item for notice in ids)]
    assert list((run.folder).iterdir()) == []

    assert {who for who, _ in aws.asked} == {"emulator", "chime"}
    assert {service for _, service in aws.asked} >= {"dynamodb", "sns", "sqs", "cognito-idp", "states", "chime"}
    assert waiting(aws, bootstrapped["TELEMED_QUEUE_URL"]) == 0
    assert waiting(aws, bootstrapped["TELEMED_QUEUE_URL"].replace("notices", "notices-dead")) == 0
    assert users(aws, bootstrapped["TELEMED_USER_POOL_ID"]) == 6
    assert {one.operation for one in chime.asked} == {"CreateMeeting", "GetMeeting", "CreateAttendee", "DeleteMeeting"}


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("TELEMED_AWS_ENDPOINT_URL", "TELEMED_AWS_ENDPOINT_URL must be set to an emulator"),
        ("TELEMED_QUEUE_URL", "TELEMED_QUEUE_URL must be set: the demonstration empties the queue by itself"),
    ],
)
def test_it_does_not_begin_at_aws_or_without_the_queue(
    run: Run, on_aws: Mapping[str, str], bootstrapped: Mapping[str, str], rds: Rds, without: str, said: str
) -> None:
    environment = {name: value for name, value in {**on_aws, **bootstrapped}.items() if name != without}
    ended = run("demo", environment=environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert rds.front.met() == ()


def rows(rds: Rds) -> list[tuple[str, str]]:
    """Each notice in the database, and how its delivery stands."""
    with psycopg.connect(rds.plainly) as connection:
        return connection.execute("SELECT id, status FROM notices").fetchall()


def filled(rds: Rds) -> set[str]:
    """The tables of the database that have a row."""
    with psycopg.connect(rds.plainly) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name for (name,) in names if connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()}


def items(aws: AwsFront, table: str) -> Iterator[Mapping[str, Any]]:
    for page in client(aws, "dynamodb").get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            # Sealed ones are bytes.
            yield {name: str(value) for name, value in item.items()}


def waiting(aws: AwsFront, queue_url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = client(aws, "sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(int(told["Attributes"][name]) for name in names)


def users(aws: AwsFront, pool_id: str) -> int:
    return len(client(aws, "cognito-idp").list_users(UserPoolId=pool_id)["Users"])


def client(aws: AwsFront, service: str) -> Any:
    """A bare client, apart from our own calls."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
