"""Sagas on AWS Step Functions: the engine schedules, and the row says what is to be done."""

from adapters.step_functions.asl import state_machine
from adapters.step_functions.handling import Step, open_step
from adapters.step_functions.machines import StateMachines, definition, make_state_machines
from adapters.step_functions.starting import Start, open_start

__all__ = [
    "Start",
    "StateMachines",
    "Step",
    "definition",
    "make_state_machines",
    "open_start",
    "open_step",
    "state_machine",
]
