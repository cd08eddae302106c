"""Everything Telemed refuses, as one tree of five kinds; entrypoints map the kinds, never the leaves.

::

    TelemedError
    ├── InvalidError            the input is wrong, and the error names the field
    │   ├── SelfBookingError  TooSoonError  BeyondHorizonError  SlotNotOfferedError
    │   └── OverlappingWindowsError  IdempotencyKeyReusedError  InvalidCursorError
    ├── ForbiddenError          this actor may not do this
    │   ├── LicenceInactiveError
    │   └── UnauthenticatedError  InvalidCredentialsError
    ├── NotFoundError           it does not exist, or not for this actor
    ├── ConflictError           the state of things forbids it now
    │   ├── TooManyPendingError  CellsHeldError: SlotTakenError, PatientBusyError
    │   ├── StaleRevisionError  StaleVersionError  ScheduleChangedError  FencedError
    │   ├── UndeliverableError  SeatLostError
    │   ├── InvalidTransitionError  DeadlinePassedError  ProposalExistsError
    │   ├── JoinWindowClosedError  TooEarlyError  NotPresentError  AlreadyRatedError
    │   ├── AlreadyRegisteredError  LiveAppointmentsError
    │   ├── VersionRequiredError
    │   └── TooManyError: TooManyAttemptsError, TooManyRequestsError
    └── UnavailableError        a dependency failed; nothing was done, or it is not known
        └── BusyError

Texts carry ids and field names, never what somebody typed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple, Self


class TelemedError(Exception):
    """The root: ``code`` is stable and public, ``detail`` is for people."""

    code: ClassVar[str] = "internal"
    text: ClassVar[str] = "The request cannot be carried out."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.text
        super().__init__(self.detail)


class FieldError(NamedTuple):
    """One wrong field, by its dotted path, and what is wrong with it."""

    field: str
    message: str


class InvalidError(TelemedError, ValueError):
    """The input is wrong; ``fields`` says where, as ``(path, message)`` pairs."""

    code = "invalid_request"
    text = "The request is not valid."

    def __init__(self, field: str, message: str | None = None) -> None:
        self.fields: tuple[FieldError, ...] = (FieldError(field, message or self.text),)
        super().__init__("; ".join(f"{name}: {text}" for name, text in self.fields))

    @classmethod
    def of(cls, fields: Iterable[FieldError]) -> Self:
        """Several wrong fields in one error."""
        first, *rest = fields
        error = cls(*first)
        error.fields = (first, *rest)
        error.detail = "; ".join(f"{name}: {text}" for name, text in error.fields)
        return error

    def under(self, path: str) -> Self:
        """The same error, seen from one level further out."""
        return self.of(FieldError(f"{path}.{name}" if name else path, text) for name, text in self.fields)

    def __str__(self) -> str:
        return self.detail


class SelfBookingError(InvalidError):
    code = "self_booking"
    text = "A doctor cannot be their own patient."


class TooSoonError(InvalidError):
    code = "too_soon"
    text = "The start is past, or nearer than the doctor's notice allows."


class BeyondHorizonError(InvalidError):
    code = "beyond_horizon"
    text = "The start is further ahead than the doctor's agenda is open."


class SlotNotOfferedError(InvalidError):
    code = "slot_not_offered"
    text = "The doctor does not offer this start."


class OverlappingWindowsError(InvalidError):
    code = "overlapping_windows"
    text = "Two windows overlap."


class IdempotencyKeyReusedError(InvalidError):
    code = "idempotency_key_reused"
    text = "This key was used for another request."


class InvalidCursorError(InvalidError):
    code = "invalid_cursor"
    text = "The cursor is not one of this list."


class ForbiddenError(TelemedError):
    """This actor may not do this."""

    code = "forbidden"
    text = "You may not do this."


class LicenceInactiveError(ForbiddenError):
    code = "licence_inactive"
    text = "The doctor's registration is not approved."


class UnauthenticatedError(ForbiddenError):
    """Nobody is signed in: no token, or one that does not count (any more); which of its faults is not told."""

    code = "unauthenticated"
    text = "Sign in first."


class InvalidCredentialsError(ForbiddenError):
    """The same for an unknown login and a wrong password."""

    code = "invalid_credentials"
    text = "The login or the password is wrong."


class NotFoundError(TelemedError):
    """It does not exist, or its existence is none of the actor's business."""

    code = "not_found"
    text = "There is no such thing."


class ConflictError(TelemedError):
    """The state of things forbids it now; nothing was changed."""

    code = "conflict"
    text = "The state does not allow this."


class CellsHeldError(ConflictError):
    """Other appointments own some of the cells; ``owners`` are the ids of all of them, on both sides."""

    def __init__(self, owners: Iterable[str] = ()) -> None:
        self.owners = frozenset(owners)
        super().__init__()


class SlotTakenError(CellsHeldError):
    code = "slot_taken"
    text = "The time has just been taken."


class PatientBusyError(CellsHeldError):
    code = "patient_busy"
    text = "The patient has another appointment at this time."


class TooManyPendingError(ConflictError):
    code = "too_many_pending"
    text = "The patient has as many unanswered requests as are allowed."


class StaleRevisionError(ConflictError):
    code = "stale_revision"
    text = "The appointment has changed since it was read."


class StaleVersionError(ConflictError):
    code = "stale_version"
    text = "The resource has changed since it was read."


class ScheduleChangedError(ConflictError):
    """The schedule moved on between read and commit; use cases decide again and never show this."""

    code = "schedule_changed"
    text = "The doctor's agenda has changed since it was read."


class FencedError(ConflictError):
    """Another runner has the saga now; whoever had it lets go of it."""

    code = "fenced"
    text = "Another runner has this saga now."


class UndeliverableError(ConflictError):
    """A mail server has refused a message for good."""

    code = "undeliverable"
    text = "The message was refused for good."


class SeatLostError(ConflictError):
    """Nobody outside sees it: a newer connection speaks for that side of the meeting, or the meeting is over."""

    code = "seat_lost"
    text = "Another connection has taken this place in the meeting."


class InvalidTransitionError(ConflictError):
    code = "invalid_transition"
    text = "The appointment's state does not allow this."


class DeadlinePassedError(ConflictError):
    code = "deadline_passed"
    text = "The request expired unanswered."


class ProposalExistsError(ConflictError):
    code = "proposal_exists"
    text = "Another new time is already proposed."


class JoinWindowClosedError(ConflictError):
    """Joining is possible from ``opens_at`` only, and not after the visit."""

    code = "join_window_closed"
    text = "The visit can be joined from 10 minutes before its start to 10 minutes after its end."

    def __init__(self, opens_at: datetime) -> None:
        self.opens_at = opens_at
        super().__init__()


class TooEarlyError(ConflictError):
    code = "too_early"
    text = "The other side may still come: wait until 15 minutes after the start."


class NotPresentError(ConflictError):
    code = "not_present"
    text = "Only a side that has joined may say that the other has not."


class AlreadyRatedError(ConflictError):
    code = "already_rated"
    text = "This visit has its rating."


class AlreadyRegisteredError(ConflictError):
    code = "already_registered"
    text = "There is an account with these data."


class LiveAppointmentsError(ConflictError):
    code = "live_appointments"
    text = "The account has appointments that are still to come."


class VersionRequiredError(ConflictError):
    code = "version_required"
    text = "Say which version is meant to be replaced."


class TooManyError(ConflictError):
    """Too often; again after ``retry_after``."""

    def __init__(self, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__()


class TooManyAttemptsError(TooManyError):
    code = "too_many_attempts"
    text = "Too many wrong passwords; wait before you try again."


class TooManyRequestsError(TooManyError):
    code = "too_many_requests"
    text = "Too many requests; wait before you send more."


class UnavailableError(TelemedError):
    """A dependency failed."""

    code = "dependency_unavailable"
    text = "A part of the system does not answer; try again."


class BusyError(UnavailableError):
    """Contention outlasted the retries; nothing was written."""

    code = "busy"
    text = "Too many at once; try again in a second."
