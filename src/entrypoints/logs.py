"""What is said on standard error: a JSON object a line, without anything that somebody typed or is called."""

import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from traceback import walk_tb
from typing import Any, Final

import orjson

LOG: Final = logging.getLogger("telemed")


class JsonLines(logging.Formatter):
    """Writes the fields that are a record's message, with the instant."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        return orjson.dumps({"at": at, **_fields(record)}, option=orjson.OPT_UTC_Z).decode()


class _StandardError(logging.Handler):
    """Writes to what is standard error then."""

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record) + "\n"
        # On a full disk, or where nobody reads any more, the line is lost, and nothing else.
        with suppress(OSError, ValueError):
            sys.stderr.write(line)
            sys.stderr.flush()


def open_log() -> None:
    """Send what is logged here to standard error; calling it again changes nothing."""
    if not LOG.handlers:
        handler = _StandardError()
        handler.setFormatter(JsonLines())
        LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def log_access(*, request_id: str, method: str, route: str | None, status: int | None, ms: float) -> None:
    """One request that has ended; ``route`` is a template, ``status`` is null where nobody waited for the answer.

    Of a WebSocket that was accepted ``status`` is the code that it was closed with.
    """
    _log(logging.INFO, request_id=request_id, method=method, route=route, status=status, ms=round(ms, 2))


def log_failure(what: str) -> None:
    """Something that is tried again."""
    _log(logging.WARNING, level="warning", what=what)


def log_alarm(what: str, **ids: str | None) -> None:
    """Something has come to a stop, and waits for an operator."""
    _log(logging.ERROR, level="alarm", what=what, **ids)


def log_bug(error: BaseException, *, request_id: str | None = None) -> None:
    """An error that nobody expected: its type and where it came from, and never its text."""
    causes = [{"type": type(one).__qualname__, "frames": _frames(one)} for one in _with_causes(error)]
    _log(logging.ERROR, level="error", what="bug", request_id=request_id, errors=causes)


def _log(severity: int, /, **fields: Any) -> None:
    if LOG.isEnabledFor(severity):
        # Not by ``LOG.log``, which looks up who called: that costs more than the line does, and nobody asks.
        LOG.handle(logging.LogRecord(LOG.name, severity, "", 0, fields, None, None))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return record.msg if isinstance(record.msg, dict) else {"what": record.getMessage()}


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _frames(error: BaseException) -> list[str]:
    return [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}" for frame, line in walk_tb(error.__traceback__)
    ]
