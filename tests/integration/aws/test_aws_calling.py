"""Opening calls: where to, as whom, how often, and nothing loaded before; nothing leaves this machine."""

import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from adapters.aws import calling
from adapters.aws.calling import open_call
from adapters.aws.failures import LostAnswerError
from integration.aws.aws_answers import CREDENTIALS, Canned
from telemed_core.errors import BusyError, InvalidError, UnavailableError

OK = {"x-amzn-requestid": "1"}
FROM_OUTSIDE = (
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"),
)


@pytest.fixture(autouse=True)
def of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is known of AWS but two keys, and no session is left from another test."""
    for name in FROM_OUTSIDE:
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    calling._session.cache_clear()


def clients(service: str = "dynamodb", **asked: Any) -> Any:
    """What its calls are made by."""
    opened: Any = open_call(service, **{"connections": 1} | asked)
    return opened._clients


def where(**asked: str) -> tuple[str, str]:
    """The region and the address of what is opened."""
    meta = clients(**asked).here()[0].meta
    return meta.region_name, meta.endpoint_url


def test_the_region_is_the_one_asked_for_or_the_one_that_every_aws_tool_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n")
    assert where()[0] == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert where()[0] == "us-west-2"
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    assert where()[0] == "us-east-2"
    assert where(region="sa-east-1") == ("sa-east-1", "https://dynamodb.sa-east-1.amazonaws.com")


def test_an_endpoint_of_ones_own_needs_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    assert where(endpoint_url="http://127.0.0.1:4566") == ("us-east-1", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert where(endpoint_url="http://127.0.0.1:4566")[0] == "sa-east-1"


def test_without_a_region_or_with_a_wrong_address_it_says_which_setting_is_wrong() -> None:
    for field, asked in (
        ("region", {}),
        ("endpoint_url", {"endpoint_url": "user:secret@nowhere"}),
        ("aws", {"region": "not a region!"}),
    ):
        with pytest.raises(InvalidError) as told:
            open_call("dynamodb", connections=1, **asked)
        assert [name for name, _ in told.value.fields] == [field]
        assert "secret" not in str(told.value)


def test_no_credentials_are_an_outage_and_are_looked_for_when_something_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    with pytest.raises(UnavailableError) as told:
        Canned("dynamodb").try_it()
    assert str(told.value.__cause__) == "dynamodb GetItem: NoCredentialsError"


def test_a_read_is_repeated_once_and_a_write_never() -> None:
    service = Canned("dynamodb", reads=frozenset({"GetItem"}))
    service.will_raise(ReadTimeoutError(endpoint_url="nowhere"))
    service.will_say(200, b'{"Item":{}}', **OK)
    assert service.try_it()["Item"] == {}
    service.will_refuse("ThrottlingException")
    service.will_refuse("ThrottlingException")
    with pytest.raises(BusyError):
        service.try_it()
    assert len(service.asked) == 4

    service.will_raise(ReadTimeoutError(endpoint_url="nowhere"))
    with pytest.raises(LostAnswerError):
        service.call("DeleteItem", {"TableName": "scheduling", "Key": {"PK": {"S": "A#1"}}})
    assert len(service.asked) == 5


def test_a_refused_read_is_not_repeated() -> None:
    service = Canned("dynamodb", reads=frozenset({"GetItem"}))
    service.will_refuse("ResourceNotFoundException")
    with pytest.raises(UnavailableError):
        service.try_it()
    assert len(service.asked) == 1


def test_all_clients_have_the_same_patience_and_one_connection_for_each_thread() -> None:
    for service in ("dynamodb", "sns"):
        config = clients(service, connections=17, region="sa-east-1").here()[0].meta.config
        assert (config.connect_timeout, config.read_timeout) == (1, 3)
        assert config.max_pool_connections == 17
        assert config.retries == {"mode": "standard", "total_max_attempts": 1}


def test_a_child_of_this_process_gets_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = clients(region="sa-east-1")
    parents, _ = opened.here()
    assert opened.here()[0] is parents
    child = os.getpid() + 1
    monkeypatch.setattr("os.getpid", lambda: child)
    assert opened.here()[0] is not parents
