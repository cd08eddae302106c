"""Hypothesis strategies for the domain's values, and for appointments that real decisions have led to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, ProposalId
from telemed_core.domain.instants import FIRST, LAST, Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import FEDERATIVE_UNITS, Cpf, Crm, EmailAddress
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.status import Status
from telemed_core.errors import TelemedError
from telemed_core.testing.builders import MONDAY, a_cpf, a_patient, a_schedule

HOUR: Final = timedelta(hours=1)

Step = Callable[[Appointment, datetime, datetime, AccountId, Schedule], Commit]
"""A decision on an appointment, as of an instant, with another start, by an account, under a schedule."""

_STEPS: Final[dict[str, Step]] = {
    "accept": lambda a, now, _, __, ___: a.accept(a.settled(now=now).rev, by=a.doctor_id, now=now),
    "refuse": lambda a, now, _, __, ___: a.refuse(by=a.doctor_id, why="no time", now=now),
    "cancel": lambda a, now, _, by, ___: a.cancel(by=by, why="not needed", now=now),
    "cancel for a block": lambda a, now, _, __, ___: a.cancel_for_block(None, by=a.doctor_id, now=now),
    "reschedule": lambda a, now, start, by, schedule: a.reschedule(
        start, by=by, schedule=schedule, proposal_id=ProposalId(f"{a.id}.{a.rev}"), now=now
    ),
    "agree": lambda a, now, _, by, ___: a.agree(_offered(a), by=by, now=now),
    "decline": lambda a, now, _, by, ___: a.decline(_offered(a), by=by, now=now),
    "join": lambda a, now, _, by, ___: visit.join(a, by=by, now=now),
    "declare absence": lambda a, now, _, by, ___: visit.declare_absence(a, by=by, now=now),
    "complete": lambda a, now, _, __, ___: visit.complete(a, by=a.doctor_id, now=now),
    "settle": lambda a, now, _, __, ___: a.settle(now=now),
}

_ANY: Final = tuple(sorted(_STEPS))


def cpfs() -> st.SearchStrategy[Cpf]:
    """Valid CPFs."""
    return st.integers(0, 999_999_999).filter(lambda number: number % 111_111_111 != 0).map(a_cpf)


def crms() -> st.SearchStrategy[Crm]:
    """Valid registrations of every state."""
    return st.builds(Crm, st.integers(1, 9_999_999).map(str), st.sampled_from(sorted(FEDERATIVE_UNITS)))


def emails() -> st.SearchStrategy[EmailAddress]:
    """Addresses that can be parsed back."""
    return st.from_regex(r"[a-z0-9_+-]{1,20}(\.[a-z0-9]{1,9})?@([a-z0-9]{1,12}\.){1,3}[a-z]{2,6}", fullmatch=True).map(
        EmailAddress.parse
    )


def instants(*, least: datetime = FIRST, most: datetime = LAST - timedelta(days=366)) -> st.SearchStrategy[datetime]:
    """Instants in UTC, to the microsecond, as often as not on a full minute."""
    naive = st.datetimes(least.replace(tzinfo=None), most.replace(tzinfo=None), timezones=st.just(UTC))
    return naive | naive.map(lambda instant: max(least, instant.replace(second=0, microsecond=0)))


def intervals(
    *, around: datetime = MONDAY, within: timedelta = timedelta(days=2), longest: timedelta = 4 * HOUR
) -> st.SearchStrategy[Interval]:
    """Intervals of up to four hours whose start is near one instant, on the 5-minute grid or off it."""
    seconds = st.integers(-int(within.total_seconds()), int(within.total_seconds()))
    offsets = seconds | seconds.map(lambda offset: offset // 300 * 300)
    lengths = st.integers(1, int(longest.total_seconds())) | st.integers(1, int(longest / (HOUR / 12))).map(
        lambda cells: cells * 300
    )
    return st.builds(
        lambda offset, length: Interval.lasting(around + timedelta(seconds=offset), timedelta(seconds=length)),
        offsets,
        lengths,
    )


@st.composite
def lives(
    draw: st.DrawFn,
    *,
    schedule: Schedule | None = None,
    patient: Patient | None = None,
    now: datetime = MONDAY,
    id: str = "appointment-1",
    most: int = 10,
) -> tuple[Commit, ...]:
    """The commits of an appointment's life, each decided on what the one before left; the first asks for it.

    What a decision refuses is not in it. The schedule must offer every full hour, as ``a_schedule`` does.
    """
    rules, who = schedule or a_schedule(), patient or a_patient()
    begin = now.replace(minute=0, second=0, microsecond=0)
    starts = st.integers(3, 60).map(lambda hours: begin + hours * HOUR)
    commits = [
        Appointment.request(
            AppointmentId(id),
            patient=who,
            schedule=rules,
            start=draw(starts),
            why=draw(st.sampled_from([None, "a cough"])),
            most_pending=3,
            now=now,
        )
    ]
    for _ in range(draw(st.integers(0, most))):
        current = commits[-1].after
        decide = _STEPS[draw(st.sampled_from(_likely(current.settled(now=now))))]
        by = draw(st.sampled_from([rules.doctor_id, who.id]))
        try:
            commit = decide(current, now, draw(starts), by, rules)
        except TelemedError:
            continue
        if commit.events:
            commits.append(commit)
        now = max(now, draw(_next_instants(commits[-1].after, now)))
    return tuple(commits)


def commits() -> st.SearchStrategy[Commit]:
    """Commits of every kind of decision."""
    return lives().flatmap(st.sampled_from)


def appointments() -> st.SearchStrategy[Appointment]:
    """Appointments in every state, with the history that led there."""
    return lives().map(lambda life: life[-1].after)


def _likely(appointment: Appointment) -> tuple[str, ...]:
    """All decisions, and those that lead on more than once."""
    match appointment.status:
        case Status.REQUESTED:
            return ("accept",) * 12 + ("reschedule",) * 4 + _ANY
        case Status.CONFIRMED if appointment.proposal:
            return ("agree",) * 8 + ("decline",) * 6 + ("join",) * 3 + _ANY
        case Status.CONFIRMED:
            return ("reschedule",) * 12 + ("join",) * 16 + _ANY
        case _:
            return ("complete",) * 8 + _ANY


def _next_instants(appointment: Appointment, now: datetime) -> st.SearchStrategy[datetime]:
    """At once, a while later, or at an instant at which something changes."""
    edges = [appointment.due_at or now]
    if appointment.status is Status.CONFIRMED:
        edges += [appointment.opens_at, appointment.visit.start, appointment.visit.start + HOUR / 4] * 2
    return st.sampled_from([now] * 6 + [now + HOUR / 60, now + HOUR, *edges])


def _offered(appointment: Appointment) -> ProposalId:
    return appointment.proposal.id if appointment.proposal else ProposalId("none")


def doctor_ids() -> st.SearchStrategy[DoctorId]:
    """Well-formed ids."""
    return st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).map(DoctorId)
