"""Tables that are a test's own; one module counts them, however it is loaded by tests and fixtures."""

from itertools import count

from adapters.aws.calling import Call
from adapters.dynamodb.tables import Tables

_NUMBERS = count(1)


def new_tables(call: Call) -> Tables:
    """Tables that nobody else has."""
    made = Tables.named(f"t{next(_NUMBERS)}-")
    for table in made.all:
        # Nothing expires by the emulator's clock: tests write at instants that are long past by it.
        call("CreateTable", table.creation())
    return made
