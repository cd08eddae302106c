"""What of a distribution a function never reads."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final

_FOR_COMPILERS: Final = frozenset({".c", ".h", ".pxd", ".pyi", ".pyx", ".typed"})
"""Sources of what is compiled already, and types."""

_FOR_OTHERS: Final = (
    "icalendar/tests",
    # We speak to Postgres, and to SQLite at most.
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/testing",
)

_SERVICES: Final = PurePosixPath("botocore/data")
_OF_A_SERVICE: Final = frozenset({"endpoint-rule-set-1.json.gz", "service-2.json.gz"})
"""What calls are made from; waiters, pages and examples are nothing that we use."""

_ABOUT: Final = re.compile(r"\.dist-info$")
_ELSEWHERE: Final = re.compile(r"\.data$")
"""Commands, headers and manuals; a wheel that keeps modules there would be found incomplete by what imports them."""
_KEPT_ABOUT: Final = frozenset({"METADATA", "entry_points.txt"})
_LICENCE: Final = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)


def is_used(path: PurePosixPath) -> bool:
    """Whether any function can read this file of a distribution."""
    if _ABOUT.search(path.parts[0]):
        return path.name in _KEPT_ABOUT or bool(_LICENCE.search(str(path)))
    if _ELSEWHERE.search(path.parts[0]):
        return False
    return path.suffix not in _FOR_COMPILERS and not any(path.is_relative_to(one) for one in _FOR_OTHERS)


def is_called(path: PurePosixPath, services: Collection[str]) -> bool:
    """Whether this is anything but the description of a service that is not called."""
    if not path.is_relative_to(_SERVICES):
        return True
    service, *rest = path.relative_to(_SERVICES).parts
    # Beside the services lie a few files about all of them.
    return not rest or (service in services and path.name in _OF_A_SERVICE)


def trimmed(path: PurePosixPath, content: bytes) -> bytes:
    """The file without what is written for people: of the metadata, the name and version are enough."""
    if path.name == "METADATA" and _ABOUT.search(path.parts[0]):
        headers = content.partition(b"\n\n")[0].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        kept = [line for line in headers.split(b"\n") if line.startswith((b"Metadata-Version:", b"Name:", b"Version:"))]
        return b"\n".join(kept) + b"\n"
    return content
