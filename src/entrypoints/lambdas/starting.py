"""The parts of a function's process: opened once, while Lambda makes the process, or else at its first event."""

import os
from collections.abc import Callable
from typing import Final, TypeVar, cast

from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.ground import Ground, open_parts
from entrypoints.logs import open_log
from entrypoints.settings import load_settings

INITIALIZATION: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"
"""The variable that Lambda sets in its processes, and nobody else."""


P = TypeVar("P", bound=Ground)


def _open(kind: type[Ground]) -> Ground:
    open_log()
    return open_parts(kind, load_settings(), migrate=False)


container: Final[Once[Ground]] = Once(_open)
"""This process's parts, of the kind that the first call names: a process has one function."""


def parts_of(kind: type[P]) -> P:
    """The parts of this process, made by the first call, whichever thread comes first.

    Raises:
        SettingsError: a setting of the environment is missing or wrong.
    """
    return cast("P", container(kind))


def warm_up(kind: type[P], make: Callable[[P], object]) -> None:
    """Make what the function's events need, if Lambda is making this process; elsewhere its first event does."""
    if INITIALIZATION in os.environ:
        make(parts_of(kind))
