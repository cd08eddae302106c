"""Every error of every service that we use, read by botocore from an answer: one of four things, and no secret told."""

from collections.abc import Iterator
from traceback import format_exception
from typing import Any

import pytest
from botocore import exceptions
from botocore.retries.standard import ThrottledRetryableChecker

from adapters.aws.failures import AwsError, LostAnswerError
from integration.aws.aws_answers import CREDENTIALS, OPERATIONS, SECRET, Canned
from telemed_core.errors import BusyError, UnavailableError

SERVICES = sorted(OPERATIONS)
ANYWHERE: dict[type[Exception], str] = {
    BusyError: "Throttling ThrottlingException RequestLimitExceeded TooManyRequestsException",
    UnavailableError: "AccessDeniedException ExpiredTokenException ExpiredToken InvalidClientTokenId "
    "UnrecognizedClientException InvalidSignatureException SignatureDoesNotMatch RequestExpired",
}
EXPECTED: dict[str, dict[type[Exception], str]] = {
    "dynamodb": {
        BusyError: "LimitExceededException ProvisionedThroughputExceededException ReplicatedWriteConflictException "
        "RequestLimitExceeded ThrottlingException TransactionConflictException TransactionInProgressException",
        UnavailableError: "ResourceNotFoundException TableNotFoundException",
    },
    "sns": {
        BusyError: "ConcurrentAccess KMSThrottling Throttled",
        UnavailableError: "AuthorizationError InvalidSecurity KMSAccessDenied KMSDisabled KMSInvalidState KMSNotFound "
        "KMSOptInRequired NotFound ResourceNotFound",
        LostAnswerError: "InternalError",
    },
    "sqs": {
        BusyError: "KmsThrottled OverLimit RequestThrottled",
        UnavailableError: "InvalidSecurity KmsAccessDenied KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound "
        "KmsOptInRequired QueueDeletedRecently QueueDoesNotExist",
    },
    "cognito-idp": {
        BusyError: "ConcurrentModificationException TooManyRequestsException",
        UnavailableError: "AccessDeniedException ForbiddenException InvalidLambdaResponseException "
        "InvalidUserPoolConfigurationException OperationNotEnabledException ResourceNotFoundException "
        "UnexpectedLambdaException",
    },
    "chime-sdk-meetings": {
        BusyError: "ConflictException ThrottlingException",
        UnavailableError: "ForbiddenException LimitExceededException UnauthorizedException",
        LostAnswerError: "ServiceFailureException ServiceUnavailableException",
    },
    "stepfunctions": {
        BusyError: "ConflictException KmsThrottlingException",
        UnavailableError: "ExecutionLimitExceeded KmsAccessDeniedException KmsInvalidStateException "
        "StateMachineDeleting StateMachineDoesNotExist",
    },
}
"""By service and kind the codes of its model; all others speak of the request, and are handed on."""


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def services(credentials: None) -> dict[str, Canned]:
    return {service: Canned(service) for service in SERVICES}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, services: dict[str, Canned]) -> Canned:
    return services[request.param]


def told(service: Canned) -> Exception:
    """What its call raises; whatever that is, nothing that was sent or said is in it."""
    with pytest.raises((AwsError, UnavailableError)) as raised:
        service.try_it()
    assert SECRET not in "".join(format_exception(raised.value))
    return raised.value


def test_every_error_of_the_models_is_what_it_means_to_us(service: Canned) -> None:
    expected = {code: kind for kind, codes in EXPECTED[service.service].items() for code in codes.split()}
    found: dict[str, type[Exception]] = {}
    for shape in service.model.error_shapes:
        known = shape.metadata.get("error", {})
        code = known.get("code", shape.name)
        service.will_refuse(code, known.get("httpStatusCode", 400))
        error = told(service)
        cause = error if isinstance(error, AwsError) else error.__cause__
        assert isinstance(cause, AwsError)
        assert cause.code == code
        if not isinstance(error, AwsError):
            found[code] = type(error)
    # Some models name what others answer by status alone.
    assert {code: kind for code, kind in found.items() if code in expected} == expected
    assert {code for code in found if code not in expected} == set()


@pytest.mark.parametrize("kind", ANYWHERE)
def test_some_codes_mean_the_same_at_every_service(service: Canned, kind: type[Exception]) -> None:
    for code in ANYWHERE[kind].split():
        service.will_refuse(code, 403)
        assert type(told(service)) is kind


def test_what_botocore_takes_for_throttling_is_busy_but_for_a_users_own_limit(service: Canned) -> None:
    of_the_request = {"LimitExceededException"} if service.service != "dynamodb" else set()
    for code in {*ThrottledRetryableChecker._THROTTLED_ERROR_CODES} - of_the_request:
        service.will_refuse(code)
        assert type(told(service)) is BusyError, code


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"<ErrorResponse><Error><Code>Odd</Code></Error></ErrorResponse>", BusyError),
        (500, b"", LostAnswerError),
        (502, b"<html>Bad gateway</html>", LostAnswerError),
        (503, b"{}", LostAnswerError),
        (504, b"", LostAnswerError),
    ],
)
def test_an_answer_that_is_none_of_the_services_own_is_told_by_its_status(
    service: Canned, status: int, body: bytes, kind: type[Exception]
) -> None:
    service.will_say(status, body)
    assert type(told(service)) is kind


@pytest.mark.parametrize("body", [b"<html>" + SECRET.encode(), b"<html/>", b"", b"{}"])
def test_an_answer_that_is_none_of_the_services_is_lost_and_no_success(service: Canned, body: bytes) -> None:
    service.will_say(200, body)
    assert type(told(service)) is LostAnswerError


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (exceptions.ReadTimeoutError(endpoint_url=SECRET), LostAnswerError),
        (exceptions.ConnectionClosedError(endpoint_url=SECRET), LostAnswerError),
        (exceptions.ResponseStreamingError(error=SECRET), LostAnswerError),
        (exceptions.HTTPClientError(error=SECRET), LostAnswerError),
        (exceptions.SSLError(endpoint_url=SECRET, error=SECRET), LostAnswerError),
        (exceptions.ConnectTimeoutError(endpoint_url=SECRET), UnavailableError),
        (exceptions.EndpointConnectionError(endpoint_url=SECRET), UnavailableError),
        (exceptions.ProxyConnectionError(proxy_url=SECRET), UnavailableError),
        (exceptions.NoCredentialsError(), UnavailableError),
        (exceptions.CredentialRetrievalError(provider="sso", error_msg=SECRET), UnavailableError),
        (exceptions.TokenRetrievalError(provider="sso", error_msg=SECRET), UnavailableError),
    ],
)
def test_without_an_answer_it_is_lost_only_where_the_request_may_have_arrived(
    service: Canned, raised: Exception, kind: type[Exception]
) -> None:
    service.will_raise(raised)
    error = told(service)
    assert type(error) is kind
    assert str(error.__cause__) == f"{service.service} {OPERATIONS[service.service][0]}: {type(raised).__name__}"


def test_a_bug_stays_one(service: Canned) -> None:
    service.will_raise(exceptions.ParamValidationError(report=SECRET))
    assert isinstance(told(service), AwsError)
    service.will_raise(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        service.try_it()
    with pytest.raises(KeyError):
        service.call("NoSuchOperation", {})


def cancelled(*codes: str, item: Any = None) -> dict[str, Any]:
    reasons = [{"Code": code, "Message": SECRET if code != "None" else None} for code in codes]
    return {"CancellationReasons": [{**reason, **({"Item": item} if item else {})} for reason in reasons]}


def test_a_condition_that_failed_is_handed_on_with_its_item_and_without_its_text(services: dict[str, Canned]) -> None:
    dynamodb, item = services["dynamodb"], {"PK": {"S": "A#1"}, "sealed": {"B": "AP8="}}
    read = {"PK": {"S": "A#1"}, "sealed": {"B": b"\x00\xff"}}
    dynamodb.will_refuse("ConditionalCheckFailedException", Item=item)
    failed = told(dynamodb)
    assert isinstance(failed, AwsError)
    assert (failed.code, failed.status, failed.item) == ("ConditionalCheckFailedException", 400, read)

    told_of = cancelled("None", "ConditionalCheckFailed", "TransactionConflict", item=item)
    dynamodb.will_refuse("TransactionCanceledException", **told_of)
    refused = told(dynamodb)
    assert isinstance(refused, AwsError)
    assert refused.reasons == (
        {"Code": "None", "Item": read},
        {"Code": "ConditionalCheckFailed", "Item": read},
        {"Code": "TransactionConflict", "Item": read},
    )


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_met_no_condition_but_others_is_busy(services: dict[str, Canned], code: str) -> None:
    services["dynamodb"].will_refuse("TransactionCanceledException", **cancelled("None", code))
    assert type(told(services["dynamodb"])) is BusyError


def test_a_transaction_cancelled_for_what_it_is_is_handed_on(services: dict[str, Canned]) -> None:
    services["dynamodb"].will_refuse("TransactionCanceledException", **cancelled("ValidationError", "None"))
    assert isinstance(told(services["dynamodb"]), AwsError)


def test_a_queue_that_is_not_there_is_known_by_the_name_that_its_header_gives_it(services: dict[str, Canned]) -> None:
    header = {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}
    services["sqs"].will_say(400, b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}', **header)
    assert type(told(services["sqs"])) is UnavailableError
