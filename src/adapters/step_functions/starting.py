"""Begins the execution of a saga: its name is the saga's id, so it begins once however often it is asked for."""

import json
from typing import Final

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError
from adapters.aws.retrying import Patience
from adapters.step_functions.machines import StateMachines
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.sagas import SagaLog

_THERE: Final = "ExecutionAlreadyExists"


@attrs.frozen
class Start:
    """Begins executions of sagas that are under way."""

    _call: Call
    _machines: StateMachines
    _log: SagaLog
    _patience: Patience

    def __call__(self, saga_id: SagaId, /) -> bool:
        """Begin it, as its row stands; whether there is an execution of it by this call.

        One that has been begun before is left alone, whatever has become of it: who runs what is due goes on with it.

        Raises:
            NotFoundError: there is no such saga.
            UnavailableError: the log does not answer, or Step Functions cannot be used.
        """
        row, _ = self._log.get(saga_id)
        return row.progress.phase.runs and self._begun(row)

    def _begun(self, row: SagaRow) -> bool:
        request = {
            "stateMachineArn": self._machines.of(row),
            "name": row.id,
            "input": json.dumps({"saga": row.id, "seq": row.seq}),
        }
        try:
            # Under its name it can be asked for again where the answer was lost.
            self._patience(lambda: self._call("StartExecution", request))
        except AwsError as error:
            if error.code != _THERE:
                raise
            return False
        return True


def open_start(call: Call, machines: StateMachines, log: SagaLog, *, patience: Patience | None = None) -> Start:
    """Begins executions by calls to Step Functions."""
    return Start(call, machines, log, patience or Patience())
