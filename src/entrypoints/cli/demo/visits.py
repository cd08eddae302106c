"""The visit: both join, or one stays away; it is completed, and rated."""

from datetime import datetime, timedelta
from typing import Final

from entrypoints.cli.acting import acting_as
from entrypoints.cli.demo.meeting import closed
from entrypoints.cli.demo.stage import MINUTE, SYSTEM, Stage, at
from entrypoints.cli.demo.tellings import Telling, accepted, asked, reminded
from telemed_core.application.booking import Participant
from telemed_core.application.visiting import Joined
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Absent
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status

HOUR: Final = timedelta(hours=1)


def no_show(stage: Stage) -> None:
    """Nobody comes: time closes the visit, and the sweep writes it down."""
    stage.clock.travel_to(stage.visit.closes_at + MINUTE)
    seen = stage.now_of(stage.visit, stage.ana)
    stage.check(seen.status is Status.NO_SHOW and seen.absent is Absent.BOTH, "a no-show of both sides")
    stage.tell(SYSTEM, "closes the visit 10 minutes after its end: nobody joined", f"{seen.status}: {seen.absent}")
    swept = stage.container.sweep()()
    stage.check(swept.settled >= 1, "the sweep to write the no-show down")
    stage.tell(SYSTEM, "sweeps: what time has made true is written down", f"settled {swept.settled}")
    stage.told(Telling(stage.ana.id, "Consulta não realizada"), Telling(stage.loser.id, "Appointment missed"))


def join(stage: Stage) -> None:
    """Nobody enters too early; who comes first waits, and with the second one the visit is in progress."""
    start = _start_of_both(stage)
    visit = stage.visit = _agreed(stage, stage.bia, stage.ana, start)
    stage.beside = _agreed(stage, stage.caio, stage.rui, start)
    stage.later = _agreed(stage, stage.duda, stage.rui, start + HOUR)
    stage.clock.travel_to(visit.opens_at - MINUTE)
    stage.told(*reminded(visit), *reminded(stage.beside))
    early = stage.refused("join_window_closed", lambda: _join(stage, visit, stage.bia))
    stage.tell(stage.bia.name, f"wants to join 11 minutes before {at(start)}", early)
    stage.clock.travel_to(visit.opens_at)
    first = _join(stage, visit, stage.bia)
    alone = first.appointment.status is Status.CONFIRMED and first.appointment.patient_joined_at == visit.opens_at
    stage.check(alone, "a patient who is present, and alone")
    stage.tell(stage.bia.name, f"joins a minute later, and waits for {stage.ana.name}", first.appointment.status)
    again = _join(stage, visit, stage.bia)
    stage.check((again.room, again.attendee) == (first.room, first.attendee), "the same way into the same room")
    stage.tell(stage.bia.name, "joins once more from the same account", "the same room, the same way in")
    foreign = stage.refused("not_found", lambda: _join(stage, visit, stage.duda))
    stage.tell(stage.duda.name, "tries to join a visit that is not hers", foreign)
    second = _join(stage, visit, stage.ana)
    stage.check(second.appointment.status is Status.IN_PROGRESS, "a visit in progress")
    stage.check(second.room == first.room and second.attendee.id != first.attendee.id, "one room, and two ways in")
    stage.tell(stage.ana.name, "joins: the same room, a way in of her own", second.appointment.status)
    waiting = _join(stage, stage.beside, stage.rui)
    stage.check(waiting.room != first.room, "another visit to have another room")
    stage.tell(stage.rui.name, f"joins his visit of the same time, and waits for {stage.caio.name}", "another room")


def patient_absent(stage: Stage) -> None:
    """Who is present says that the other did not come, from 15 minutes after the start."""
    visit = stage.beside
    allowed = visit.visit.start + 15 * MINUTE
    stage.clock.travel_to(allowed - MINUTE)
    early = stage.refused("too_early", lambda: _declare(stage, visit, stage.rui))
    stage.tell(stage.rui.name, f"says after 14 minutes that {stage.caio.name} did not come", early)
    stage.clock.travel_to(allowed)
    missed = _declare(stage, visit, stage.rui)
    stage.check((missed.status, missed.absent) == (Status.NO_SHOW, Absent.PATIENT), "a no-show of the patient")
    stage.tell(stage.rui.name, "says so after 15 minutes", f"{missed.status}: {missed.absent}")
    late = stage.refused("join_window_closed", lambda: _join(stage, visit, stage.caio))
    stage.tell(stage.caio.name, "wants to join after all", late)
    stage.told(Telling(stage.caio.id, "Appointment missed"), *reminded(stage.later))


def complete(stage: Stage) -> None:
    """The doctor ends the visit, and the room is closed to both."""
    visit = stage.visit
    stage.clock.travel_to(visit.visit.end)
    soon = stage.refused("invalid_transition", lambda: _rate(stage, stage.bia, 1))
    stage.tell(stage.bia.name, "rates the visit while it goes on", soon)
    stage.visit = stage.container.complete_visit()(appointment_id=visit.id, doctor=stage.ana)
    stage.check(stage.visit.status is Status.COMPLETED, "a completed visit")
    stage.tell(stage.ana.name, "ends the visit", stage.visit.status)
    stage.told(Telling(stage.bia.id, "Appointment completed"))
    meeting = stage.container.meetings().of(visit.id)
    ended = meeting is not None and stage.container.meeting_rooms().find(meeting) is None
    stage.check(ended, "a room that is closed")
    late = stage.refused("join_window_closed", lambda: _join(stage, visit, stage.bia))
    stage.tell(stage.bia.name, "wants to join again", late)
    closed(stage)


def rating(stage: Stage) -> None:
    """The patient says once what they thought of it; everybody reads it, without a name."""
    own = stage.refused("forbidden", lambda: acting_as(Patient, stage.container, str(stage.ana.crm)))
    stage.tell(stage.ana.name, "wants to rate her own visit", own)
    _rate(stage, stage.bia, 5)
    stage.tell(stage.bia.name, "rates the visit: 5, with a comment", "rated")
    again = stage.refused("already_rated", lambda: _rate(stage, stage.bia, 1))
    stage.tell(stage.bia.name, "rates it once more", again)
    total = _sum(stage, stage.ana)
    stage.check(total == (1, 5.0), f"one rating of 5, not {total}")
    listed = stage.container.list_ratings()(doctor_id=stage.ana.id, viewer=stage.duda)
    comments = list(stage.container.read_comments()(listed).values())
    stage.check((len(listed), comments) == (1, [_COMMENT]), "the rating with its comment")
    stage.tell(stage.duda.name, f"looks at {stage.ana.name}", f"rated {total[1]} by {total[0]}: {comments[0]}")
    stage.check(_sum(stage, stage.rui) == (0, None), "a doctor without ratings")


def doctor_absent(stage: Stage) -> None:
    """Patients say so too, if they have come themselves."""
    visit = stage.later
    stage.clock.travel_to(visit.visit.start + 5 * MINUTE)
    early = stage.refused("too_early", lambda: _declare(stage, visit, stage.duda))
    stage.tell(stage.duda.name, f"says after 5 minutes that {stage.rui.name} did not come", early)
    stage.clock.travel_to(visit.visit.start + 15 * MINUTE)
    away = stage.refused("not_present", lambda: _declare(stage, visit, stage.duda))
    stage.tell(stage.duda.name, "says so after 15 minutes, without having joined", away)
    _join(stage, visit, stage.duda)
    missed = _declare(stage, visit, stage.duda)
    stage.check((missed.status, missed.absent) == (Status.NO_SHOW, Absent.DOCTOR), "a no-show of the doctor")
    stage.tell(stage.duda.name, "joins, and says so again", f"{missed.status}: {missed.absent}")
    stage.told(Telling(stage.rui.id, "Consulta não realizada"))


_COMMENT: Final = "Explained everything, and took her time."


def _start_of_both(stage: Stage) -> datetime:
    """The first time that both doctors offer, with an hour after it that is offered too."""
    ana, rui = stage.starts(stage.ana, stage.bia), set(stage.starts(stage.rui, stage.caio))
    return next(one for one in ana if {one, one + HOUR} <= rui)


def _agreed(stage: Stage, patient: Patient, doctor: Doctor, start: datetime) -> Appointment:
    """A visit that was asked for and accepted."""
    visit = stage.accept(stage.ask(patient, doctor, start), doctor)
    stage.check(visit.status is Status.CONFIRMED, "a confirmed appointment")
    stage.tell(patient.name, f"asks {doctor.name} for {at(start)}, who accepts", visit.status)
    stage.told(asked(doctor), *accepted(visit))
    return visit


def _join(stage: Stage, visit: Appointment, actor: Participant) -> Joined:
    joined = stage.container.join_visit()(appointment_id=visit.id, actor=actor)
    stage.ways[actor.id] = joined
    return joined


def _declare(stage: Stage, visit: Appointment, actor: Participant) -> Appointment:
    return stage.container.declare_absence()(appointment_id=visit.id, actor=actor)


def _rate(stage: Stage, patient: Patient, score: int) -> None:
    stage.container.rate_visit()(appointment_id=stage.visit.id, patient=patient, score=score, comment=_COMMENT)


def _sum(stage: Stage, doctor: Doctor) -> tuple[int, float | None]:
    """How many ratings the doctor has, and their average."""
    found = stage.container.sum_ratings()([DoctorId(doctor.id)])[doctor.id]
    return found.count, found.average
