"""Refusals as they are shown (RFC 9457)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from telemed_core.errors import FieldError
from telemed_core.messages import schemas
from telemed_core.messages.views import Instant, View


class FieldProblem(View):
    """One wrong field, by its dotted path."""

    field: str
    message: str


class ProblemView(View):
    """A refusal (RFC 9457)."""

    type: Annotated[str, schemas.PROBLEM_TYPE]
    title: str
    status: Annotated[int, schemas.STATUS]
    detail: str
    code: str
    errors: tuple[FieldProblem, ...] | None


class JoinWindowClosedProblemView(ProblemView):
    """A refusal to join a visit, that is not open: with when it opens, or has opened."""

    opens_at: Instant


def problem_view(
    *, status: int, code: str, detail: str, fields: Iterable[FieldError] = (), opens_at: datetime | None = None
) -> ProblemView:
    """A refusal's body; ``errors`` is null where no field is wrong, ``opens_at`` there only where it is known."""
    plain = ProblemView(
        type=f"urn:telemed:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        errors=tuple(FieldProblem(field=name, message=text) for name, text in fields) or None,
    )
    return plain if opens_at is None else JoinWindowClosedProblemView(**dict(plain), opens_at=opens_at)
