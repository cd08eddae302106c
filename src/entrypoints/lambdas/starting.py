"""The parts of a function's process: opened once, while Lambda makes the process, or else at its first event."""

import os
from collections.abc import Callable
from typing import Final

from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container import Container, open_container
from entrypoints.logs import open_log
from entrypoints.settings import load_settings

INITIALIZATION: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"
"""The variable that Lambda sets in its processes, and nobody else."""


def _open() -> Container:
    open_log()
    return open_container(load_settings(), migrate=False)


container: Final[Once[Container]] = Once(_open)
"""Called, it answers this process's parts, made by the first call, whichever thread comes first.

Raises:
    SettingsError: a setting of the environment is missing or wrong.
"""


def warm_up(make: Callable[[Container], object]) -> None:
    """Make what the function's events need, if Lambda is making this process; elsewhere its first event does."""
    if INITIALIZATION in os.environ:
        make(container())
