"""Tables that are a test's own; one module counts them, however it is loaded by tests and fixtures."""

from itertools import count

from adapters.aws.calling import Call
from adapters.dynamodb.tables import Tables

_NUMBERS = count(1)


def new_prefix() -> str:
    """What names of tables begin with that nobody else has."""
    return f"t{next(_NUMBERS)}-"


def new_tables(call: Call) -> Tables:
    """Tables that nobody else has."""
    made = Tables.named(new_prefix())
    for table in made.all:
        # Nothing expires by the emulator's clock: tests write at instants that are long past by it.
        call("CreateTable", table.creation())
    return made
