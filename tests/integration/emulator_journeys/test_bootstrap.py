"""``telemed aws bootstrap`` as people start it: it makes what is missing, and says where everything is."""

from collections.abc import Mapping

from integration.emulator.ministack import ACCOUNT, REGION
from integration.emulator_journeys.aws_front import AwsFront
from integration.emulator_journeys.conftest import Rds, Run, made_by
from integration.emulator_journeys.test_demo_on_aws import client
from telemed_core.saga.sagas import SAGAS


def test_it_says_where_everything_is_and_made_again_all_is_where_it_was(
    run: Run, on_aws: Mapping[str, str], bootstrapped: Mapping[str, str], rds: Rds
) -> None:
    assert list(bootstrapped) == [
        "TELEMED_TOPIC_ARN",
        "TELEMED_QUEUE_URL",
        "TELEMED_USER_POOL_ID",
        "TELEMED_USER_POOL_CLIENT_ID",
        "TELEMED_STATE_MACHINES",
    ]
    assert bootstrapped["TELEMED_TOPIC_ARN"] == f"arn:aws:sns:{REGION}:{ACCOUNT}:telemed-announcements.fifo"
    assert bootstrapped["TELEMED_STATE_MACHINES"] == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:telemed-"
    assert made_by(run("aws", "bootstrap", environment=on_aws)) == bootstrapped
    assert made_by(run("aws", "bootstrap", environment={**on_aws, **bootstrapped})) == bootstrapped
    # It makes nothing in a database.
    assert rds.front.met() == ()


def test_with_what_it_says_the_profile_starts(
    run: Run, on_aws: Mapping[str, str], bootstrapped: Mapping[str, str]
) -> None:
    without = run("sweep", environment=on_aws)
    assert without.returncode == 2
    assert "TELEMED_TOPIC_ARN must be set" in without.stderr
    swept = run("sweep", environment={**on_aws, **bootstrapped})
    assert (swept.returncode, swept.stderr) == (0, "")
    assert swept.stdout == "settled 0, cancelled 0, sagas 0, mails 0\n"


def test_all_names_begin_with_the_prefix_and_several_installations_do_not_meet(
    run: Run, on_aws: Mapping[str, str], bootstrapped: Mapping[str, str], aws: AwsFront
) -> None:
    other = made_by(run("aws", "bootstrap", environment={**on_aws, "TELEMED_AWS_PREFIX": "second_"}))
    assert not set(other.values()) & set(bootstrapped.values())
    made = names(aws)
    first, second = ({name for name in made if name.startswith(prefix)} for prefix in ("telemed-", "second_"))
    assert made == first | second
    assert {name.removeprefix("second_") for name in second} == {name.removeprefix("telemed-") for name in first}
    # Four tables, a topic, two queues, a pool, and a state machine for each saga.
    assert len(first) == 4 + 1 + 2 + 1 + len(SAGAS)


def test_an_account_at_aws_is_not_touched(run: Run, on_aws: Mapping[str, str], aws: AwsFront) -> None:
    without = {name: value for name, value in on_aws.items() if name != "TELEMED_AWS_ENDPOINT_URL"}
    ended = run("aws", "bootstrap", environment=without)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "TELEMED_AWS_ENDPOINT_URL must be set to an emulator" in ended.stderr
    assert aws.asked.total() == 0


def test_a_misspelt_variable_is_told_of(run: Run, on_aws: Mapping[str, str], aws: AwsFront) -> None:
    ended = run("aws", "bootstrap", environment={**on_aws, "TELEMED_AWS_PREFFIX": "second_"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "TELEMED_AWS_PREFFIX is not a setting: did you mean TELEMED_AWS_PREFIX?" in ended.stderr
    assert aws.asked.total() == 0


def test_an_emulator_that_does_not_answer_is_an_outage(run: Run, on_aws: Mapping[str, str]) -> None:
    ended = run("aws", "bootstrap", environment={**on_aws, "TELEMED_AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("dependency_unavailable: ")


def names(aws: AwsFront) -> set[str]:
    """Of everything that is there."""
    return {
        *client(aws, "dynamodb").list_tables()["TableNames"],
        *(one["TopicArn"].rpartition(":")[2] for one in client(aws, "sns").list_topics()["Topics"]),
        *(url.rpartition("/")[2] for url in client(aws, "sqs").list_queues()["QueueUrls"]),
        *(one["Name"] for one in client(aws, "cognito-idp").list_user_pools(MaxResults=60)["UserPools"]),
        *(one["name"] for one in client(aws, "stepfunctions").list_state_machines()["stateMachines"]),
    }
