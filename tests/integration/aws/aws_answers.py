"""What AWS services answer, written as each service writes it and read by botocore; nothing is sent anywhere."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

from adapters.aws.calling import Call, open_call

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
SECRET = "maria@example.org"
"""What a service says in the text of its errors, which repeats what it was sent."""

OPERATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "dynamodb": ("GetItem", {"TableName": "scheduling", "Key": {"PK": {"S": SECRET}}}),
    "sns": ("Publish", {"TopicArn": "arn:aws:sns:sa-east-1:000000000000:visits.fifo", "Message": SECRET}),
    "sqs": ("SendMessage", {"QueueUrl": "https://sqs.sa-east-1.amazonaws.com/1/mail", "MessageBody": SECRET}),
    "cognito-idp": ("AdminGetUser", {"UserPoolId": "sa-east-1_pool", "Username": SECRET}),
    "chime-sdk-meetings": ("GetMeeting", {"MeetingId": "00000000-0000-0000-0000-000000000000"}),
    "stepfunctions": ("DescribeExecution", {"executionArn": "arn:aws:states:sa-east-1:1:execution:saga:1"}),
}
"""A call of each service that we use."""


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: object, **__: object) -> Any:
        yield self._content


class Canned:
    """A service that answers what it is told to, or fails on the way; ``asked`` are the requests."""

    def __init__(self, service: str, *, reads: frozenset[str] = frozenset()) -> None:
        self.service = service
        self.call: Call = open_call(service, connections=1, region="sa-east-1", reads=reads)
        self.client = self.call._clients.here()[0]  # type: ignore[attr-defined]
        self.client.meta.events.register("before-send", self._answer)
        self.asked: list[AWSRequest] = []
        self._answers: list[tuple[int, Mapping[str, str], bytes] | Exception] = []

    @property
    def model(self) -> Any:
        return self.client.meta.service_model

    def will_refuse(self, code: str, status: int = 400, **members: Any) -> None:
        """Answer with this error, as the service's protocol has it."""
        self._answers.append((status, *_written(self.model.resolved_protocol, code, members)))

    def will_say(self, status: int, body: bytes, **headers: str) -> None:
        self._answers.append((status, headers, body))

    def will_raise(self, error: Exception) -> None:
        """Never answer, as botocore's own HTTP client tells it."""
        self._answers.append(error)

    def try_it(self) -> Mapping[str, Any]:
        return self.call(*OPERATIONS[self.service])

    def _answer(self, request: AWSRequest, **_: object) -> AWSResponse:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        return AWSResponse(request.url, status, {name.lower(): value for name, value in headers.items()}, _Body(body))


def _written(protocol: str, code: str, members: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    if protocol == "query":
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>no {SECRET}</Message>"
        return {}, f"<ErrorResponse><Error>{error}</Error><RequestId>1</RequestId></ErrorResponse>".encode()
    if protocol == "rest-json":
        return {"x-amzn-ErrorType": f"{code}:http://internal/"}, json.dumps({"Message": f"no {SECRET}"}).encode()
    told = {"__type": f"com.amazonaws.service#{code}", "message": f"no {SECRET}", **members}
    return {}, json.dumps(told).encode()
