"""The state machines of an installation, one for each version of each saga; and how tests and emulators get theirs."""

import json
from collections.abc import Iterable
from typing import Final

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError
from adapters.step_functions.asl import state_machine
from telemed_core.domain.sagas import SagaRow
from telemed_core.saga.definition import Saga
from telemed_core.saga.sagas import SAGAS

PREFIX: Final = "telemed-"
_THERE: Final = "StateMachineAlreadyExists"


@attrs.frozen
class StateMachines:
    """Where the state machines are.

    Attributes:
        arn_prefix: what their ARNs begin with, up to the saga's name.
    """

    arn_prefix: str

    def of(self, row: SagaRow | Saga, /) -> str:
        """The ARN of the machine that runs it."""
        return f"{self.arn_prefix}{name_of(row)}"


def name_of(saga: SagaRow | Saga, /, *, prefix: str = "") -> str:
    """The name of its machine."""
    return f"{prefix}{saga.name}-{saga.version}"


def definition(saga: Saga, *, resource: str) -> str:
    """The saga as Step Functions takes it."""
    return json.dumps(state_machine(saga, resource=resource), indent=2)


def make_state_machines(
    call: Call, *, resource: str, role_arn: str, prefix: str = PREFIX, sagas: Iterable[Saga] = SAGAS
) -> StateMachines:
    """Make the machines that are missing, and set those that are there as they are defined.

    Args:
        call: to Step Functions.
        resource: who does the tasks: the ARN of a Lambda function, or of an activity.
        role_arn: as whom the machines call it.
        prefix: what the names begin with.

    Raises:
        UnavailableError: Step Functions cannot be used.
    """
    arn_prefix = ""
    for saga in sagas:
        arn = _made(call, name_of(saga, prefix=prefix), definition(saga, resource=resource), role_arn)
        arn_prefix = arn.removesuffix(name_of(saga))
    return StateMachines(arn_prefix)


def _made(call: Call, name: str, text: str, role_arn: str) -> str:
    wanted = {"definition": text, "roleArn": role_arn}
    try:
        return str(call("CreateStateMachine", {"name": name, "type": "STANDARD", **wanted})["stateMachineArn"])
    except AwsError as error:
        if error.code != _THERE:
            raise
    arn = _found(call, name)
    call("UpdateStateMachine", {"stateMachineArn": arn, **wanted})
    return arn


def _found(call: Call, name: str) -> str:
    request: dict[str, str] = {}
    while True:
        page = call("ListStateMachines", request)
        for one in page["stateMachines"]:
            if one["name"] == name:
                return str(one["stateMachineArn"])
        if not page.get("nextToken"):
            # It was there a moment ago.
            raise ValueError(f"there is no state machine {name}")
        request = {"nextToken": page["nextToken"]}
