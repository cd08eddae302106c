"""A DynamoDB that answers as written, and takes nothing that botocore's model of it does not have."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

Answer = Mapping[str, Any] | Exception


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("dynamodb")


class Scripted:
    """A ``Call`` whose answers are given; ``asked`` are the operations and requests, as they were then."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        report = ParamValidator().validate(request, _model().operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        self.asked.append((operation, {**request}))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [request for _, request in self.asked]
