"""What botocore raises, told as one of four things; nothing of a request or of a service's own text is kept.

What a service says of the request itself is an ``AwsError``, for the adapter to judge. All else is already what
a port promises: ``BusyError``, ``LostAnswerError`` or ``UnavailableError``.
"""

from collections.abc import Mapping, Sequence
from traceback import walk_tb
from typing import Any, Final

import attrs

from telemed_core.errors import BusyError, UnavailableError

Reason = Mapping[str, Any]
"""One of the ``CancellationReasons``: a ``Code`` and, where it was asked for, the ``Item`` as it stands."""

CONTENTION_REASONS: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""The codes of reasons that say nothing of a condition: the same transaction may pass the next time."""

_MET: Final = "None"

_CONTENTION: Final = frozenset(
    # Written as what they are: names of the services' own.
    """
    BandwidthLimitExceeded ConcurrentAccess ConcurrentAccessException ConcurrentModificationException KMSThrottling
    KMSThrottlingException KmsThrottled KmsThrottlingException EC2ThrottledException PriorRequestNotComplete
    ProvisionedThroughputExceededException ReplicatedWriteConflictException RequestLimitExceeded RequestThrottled
    RequestThrottledException SlowDown Throttled ThrottledException Throttling ThrottlingException
    TooManyRequestsException TransactionConflictException TransactionInProgressException
    """.split()
)
_LOST: Final = frozenset("RequestTimeout RequestTimeoutException".split())
_NO_RIGHT: Final = frozenset(
    """
    AccessDenied AccessDeniedException AuthFailure AuthorizationError AuthorizationErrorException ExpiredToken
    ExpiredTokenException IncompleteSignature IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId
    InvalidSecurity InvalidSecurityException InvalidSignatureException MissingAuthenticationToken
    MissingAuthenticationTokenException NotAuthorized OptInRequired RequestExpired RequestInTheFuture
    RequestTimeTooSkewed SignatureDoesNotMatch UnrecognizedClientException
    """.split()
)
_OF_A_KEY: Final = ("KMS", "Kms")
"""How codes begin by which a service tells of its key of encryption."""

_CONTENTION_OF: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb": frozenset({"LimitExceededException"}),
    "sqs": frozenset({"OverLimit"}),
    "chime-sdk-meetings": frozenset({"ConflictException"}),
    "stepfunctions": frozenset({"ConflictException"}),
}
"""Codes that are contention here, and speak of the request elsewhere: Cognito's limit is one user's attempts."""

_MISSING_OF: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb": frozenset({"ResourceNotFoundException", "TableNotFoundException"}),
    "sns": frozenset({"NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"}),
    "sqs": frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "QueueDeletedRecently"}),
    "cognito-idp": frozenset(
        {
            "ForbiddenException",
            "InvalidLambdaResponseException",
            "InvalidUserPoolConfigurationException",
            "OperationNotEnabledException",
            "ResourceNotFoundException",
            "UnexpectedLambdaException",
        }
    ),
    "chime-sdk-meetings": frozenset({"ForbiddenException", "LimitExceededException", "UnauthorizedException"}),
    "stepfunctions": frozenset({"StateMachineDoesNotExist", "StateMachineDeleting", "ExecutionLimitExceeded"}),
}
"""Codes by which a service says that what we are set up on is not there, or not ours, or used up."""


class AwsError(Exception):
    """The service has refused the request for what it is or for how things stand; nothing was done.

    An adapter knows which codes to expect. One that it does not expect is a bug. The text names the operation, the code
    and the status, and nothing else. As a cause of another error it says what has happened.

    Attributes:
        code: the service's own, or botocore's name for what happened.
        status: of the answer; 0 where there was none.
        reasons: why a transaction was cancelled, one for each of its actions.
        item: the item that a condition found, where that was asked for.
    """

    def __init__(
        self,
        service: str,
        operation: str,
        code: str,
        status: int = 0,
        *,
        reasons: Sequence[Reason] = (),
        item: Mapping[str, Any] | None = None,
    ) -> None:
        self.code, self.status, self.reasons, self.item = code, status, tuple(reasons), item
        super().__init__(f"{service} {operation}: {code}" + (f" ({status})" if status else ""))


class LostAnswerError(UnavailableError):
    """No answer, or one that does not tell whether the request was carried out."""


@attrs.frozen
class Failures:
    """Tells the failures of one service."""

    _service: str

    def told(self, operation: str, error: Exception) -> AwsError | UnavailableError | None:
        """What is to be raised for what botocore has raised; ``None``: it is a bug, and not of a service."""
        from botocore import exceptions  # noqa: PLC0415 # it is imported by then: the error is its own

        if isinstance(error, exceptions.ClientError):
            return self._answered(operation, error.response)
        cause = AwsError(self._service, operation, type(error).__name__)
        if isinstance(error, (exceptions.ParamValidationError, exceptions.ValidationError)):
            return cause
        if isinstance(error, (exceptions.HTTPClientError, exceptions.SSLError)) or _while_reading(error):
            return _because(LostAnswerError, cause)
        # Among them: nobody answers there, and there are no credentials.
        return _because(UnavailableError, cause) if isinstance(error, exceptions.BotoCoreError) else None

    def of_success(self, operation: str, answer: Mapping[str, Any]) -> UnavailableError | None:
        """What is to be raised for an answer that only looks like a success; ``None``: it is one.

        What a proxy says with status 200 botocore reads as an answer in which nothing stands; services number theirs.
        """
        if answer.get("ResponseMetadata", {}).get("RequestId"):
            return None
        return _because(LostAnswerError, AwsError(self._service, operation, "NotOfTheService", 200))

    def _answered(self, operation: str, answer: Mapping[str, Any]) -> AwsError | UnavailableError:
        code = str(answer.get("Error", {}).get("Code", "Unknown"))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        reasons = [_reason(told) for told in answer.get("CancellationReasons", ())]
        kind = self._kind(code, status)
        if reasons and all(reason["Code"] in CONTENTION_REASONS | {_MET} for reason in reasons):
            kind = BusyError
        refused = AwsError(self._service, operation, code, status, reasons=reasons, item=answer.get("Item"))
        return _because(kind, refused) if kind else refused

    def _kind(self, code: str, status: int) -> type[UnavailableError] | None:
        if code in _CONTENTION or code in _CONTENTION_OF.get(self._service, ()) or status == 429:
            return BusyError
        if code in _LOST or status >= 500:
            return LostAnswerError
        if code in _NO_RIGHT or code in _MISSING_OF.get(self._service, ()) or code.startswith(_OF_A_KEY):
            return UnavailableError
        return None


def _while_reading(error: Exception) -> bool:
    """Whether there was an answer that botocore could not read: it meets that with errors of many kinds."""
    return any(frame.f_globals.get("__name__") == "botocore.parsers" for frame, _ in walk_tb(error.__traceback__))


def _because(kind: type[UnavailableError], cause: Exception) -> UnavailableError:
    error = kind()
    error.__cause__ = cause
    return error


def _reason(told: Mapping[str, Any]) -> Reason:
    # Its message may quote the item; and botocore keeps members that are null.
    return {name: told[name] for name in ("Code", "Item") if told.get(name) is not None}
