"""How a time is found, asked for, answered, moved and given up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from entrypoints.cli.demo.stage import DAY, MINUTE, SYSTEM, ZONE, Stage, at, outcome_of
from entrypoints.cli.demo.tellings import Telling, accepted, asked, invited
from telemed_core.domain.agenda import Agenda, Weekday, WeeklyWindow, Window
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import Side
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status


def agenda(stage: Stage) -> None:
    """The doctors say when they receive, and patients see what is free."""
    windows = (Window.parse("08:00", "12:00"), Window.parse("14:00", "18:00"))
    rules = Agenda(ZONE, weekly=tuple(WeeklyWindow(day, window) for day in Weekday for window in windows))
    for doctor in (stage.ana, stage.rui):
        schedule, affected = stage.container.replace_agenda()(agenda=rules, version=0, doctor=doctor)
        stage.check(schedule.agenda == rules and not affected, "the agenda that was set")
        stage.tell(doctor.name, "sets the agenda: daily 08:00-12:00 and 14:00-18:00", "50 min + 10 min buffer")
    starts = stage.starts(stage.ana, stage.bia)
    stage.check(len(starts) >= 32, "four days of slots")
    stage.tell(
        stage.bia.name, f"looks at the slots of {stage.ana.name}", f"{len(starts)} free, the first {at(starts[0])}"
    )


def request(stage: Stage) -> None:
    """A request holds its slot."""
    start = stage.starts(stage.ana, stage.bia)[12]
    stage.visit = stage.ask(stage.bia, stage.ana, start, "palpitations when climbing stairs")
    stage.check(stage.visit.status is Status.REQUESTED, "a requested appointment")
    stage.check(start not in stage.starts(stage.ana, stage.caio), "a slot that nobody else is offered")
    stage.tell(stage.bia.name, f"asks {stage.ana.name} for {at(start)}", "requested: the slot is held")
    stage.told(asked(stage.ana))
    mail = stage.tellings.last_mail()
    expected = (
        "Olá, Dr(a). Ana Lima! Você tem uma nova consulta marcada! Paciente: Bia Reis. "
        f"Data e horário: {start.astimezone(ZONE.info):%d/%m/%Y às %H:%M} (America/Sao_Paulo, UTC-03:00)."
    )
    stage.check((mail.to, mail.body) == (stage.ana.email.address, expected), "the e-mail to the doctor, word for word")


def lost_race(stage: Stage) -> None:
    """Two patients ask for one slot at once."""
    start = stage.starts(stage.ana, stage.caio)[30]
    ready = threading.Barrier(2)
    won: dict[str, Appointment] = {}

    def ask(patient: Patient) -> str:
        ready.wait(10)
        return outcome_of(lambda: won.update({patient.id: stage.ask(patient, stage.ana, start)}))

    rivals = (stage.caio, stage.duda)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, rivals))
    stage.check(sorted(answers) == ["done", "slot_taken"], f"one winner of two, not {answers}")
    for patient, answer in zip(rivals, answers, strict=True):
        outcome = "requested" if answer == "done" else f"refused: {answer}"
        stage.tell(patient.name, f"asks for {at(start)}, at the same instant", outcome)
    stage.told(asked(stage.ana))
    (stage.unanswered,) = won.values()
    stage.loser = stage.duda if stage.unanswered.patient_id == stage.caio.id else stage.caio


def accept(stage: Stage) -> None:
    """The doctor accepts what the doctor saw, and nothing else."""
    seen = stage.visit
    start = stage.starts(stage.ana, stage.bia)[12]
    stage.visit = stage.container.reschedule_appointment()(appointment_id=seen.id, start=start, actor=stage.bia)
    stage.check(stage.visit.visit.start == start and stage.visit.rev == seen.rev + 1, "a request that was moved")
    stage.tell(stage.bia.name, f"moves the request to {at(start)}", "moved")
    stale = stage.refused("stale_revision", lambda: stage.accept(seen, stage.ana))
    stage.tell(stage.ana.name, "accepts the time that she saw before the move", stale)
    stage.told(Telling(stage.ana.id, "Pedido de consulta em novo horário"))
    stage.visit = stage.accept(stage.visit, stage.ana)
    stage.check(stage.visit.status is Status.CONFIRMED, "a confirmed appointment")
    stage.tell(stage.ana.name, f"looks again and accepts {at(start)}", stage.visit.status)
    stage.told(*accepted(stage.visit))


def reschedule(stage: Stage) -> None:
    """A new time is proposed; until it is agreed both times are held."""
    old = stage.visit.visit.start
    new = stage.starts(stage.ana, stage.bia)[13]
    moved = stage.container.reschedule_appointment()(appointment_id=stage.visit.id, start=new, actor=stage.ana)
    free = stage.starts(stage.ana, stage.duda)
    stage.check(moved.proposal is not None and old not in free and new not in free, "both times to be held")
    stage.tell(stage.ana.name, f"proposes to reschedule to {at(new)}", "proposed: both times are held")
    stage.told(Telling(stage.bia.id, "New time proposed"))
    proposal = moved.proposal
    if proposal is not None:
        agree = partial(stage.container.agree_to_reschedule(), appointment_id=moved.id, proposal_id=proposal.id)
        own = stage.refused("invalid_transition", lambda: agree(actor=stage.ana))
        stage.tell(stage.ana.name, "agrees to her own proposal", own)
        stage.visit = agree(actor=stage.bia)
    free = stage.starts(stage.ana, stage.duda)
    stage.check(stage.visit.visit.start == new and old in free and new not in free, "the times to be swapped")
    stage.tell(stage.bia.name, "agrees to the proposal", f"agreed: {at(old)} is free again")
    calendar = f"REQUEST {stage.visit.sequence}"
    stage.told(
        invited(stage.ana.id, "Consulta remarcada", calendar),
        invited(stage.bia.id, "Appointment moved", calendar, acted=True),
    )


def cancel(stage: Stage) -> None:
    """A cancellation has a reason, and brings its slot back."""
    start = stage.visit.visit.start
    cancelling = partial(stage.container.cancel_appointment(), appointment_id=stage.visit.id, actor=stage.bia)
    short = stage.refused("invalid_request", lambda: cancelling(reason="-"))
    stage.tell(stage.bia.name, "cancels without a justification", short)
    stage.visit = cancelling(reason="I have to travel that day")
    stage.check(
        stage.visit.status is Status.CANCELLED and stage.visit.cancelled_by is Side.PATIENT, "a cancelled visit"
    )
    stage.check(start in stage.starts(stage.ana, stage.duda), "the slot to come back")
    stage.tell(stage.bia.name, "cancels with a reason", f"cancelled: {at(start)} is free again")
    calendar = f"CANCEL {stage.visit.sequence}"
    stage.told(
        invited(stage.ana.id, "Consulta cancelada", calendar),
        invited(stage.bia.id, "Appointment cancelled", calendar, acted=True),
    )


def expiry(stage: Stage) -> None:
    """A request that nobody answers expires by itself, and its slot can be taken over."""
    request_ = stage.unanswered
    stage.clock.travel_to(request_.decision_deadline + MINUTE)
    asker = stage.caio if stage.loser is stage.duda else stage.duda
    stage.check(stage.now_of(request_, asker).status is Status.EXPIRED, "an expired request, without any sweep")
    stage.tell(SYSTEM, f"the unanswered request of {asker.name} is over, without a sweep", Status.EXPIRED)
    late = stage.refused(
        "deadline_passed",
        lambda: stage.accept(request_, stage.ana),
    )
    stage.tell(stage.ana.name, "accepts it after the deadline", late)
    start = request_.visit.start
    stage.visit = stage.ask(stage.loser, stage.ana, start)
    stage.check(stage.visit.status is Status.REQUESTED, "the slot to be taken over")
    stage.tell(stage.loser.name, f"asks for {at(start)}, lost before", "requested: takeover of the slot")
    stage.told(
        Telling(stage.ana.id, "Pedido de consulta expirado"),
        Telling(asker.id, "Appointment request expired"),
        asked(stage.ana),
    )
    stage.visit = stage.accept(stage.visit, stage.ana)
    stage.tell(stage.ana.name, f"accepts {at(start)}", stage.visit.status)
    stage.told(*accepted(stage.visit))


def block(stage: Stage) -> None:
    """An absence cancels what it overlaps."""
    start = next(one for one in stage.starts(stage.rui, stage.bia) if one > stage.clock.now() + DAY)
    visit = stage.ask(stage.bia, stage.rui, start)
    visit = stage.accept(visit, stage.rui)
    stage.tell(stage.bia.name, f"asks {stage.rui.name} for {at(start)}, who accepts", visit.status)
    stage.told(asked(stage.rui), *accepted(visit))
    absence = Interval.lasting(start - 30 * MINUTE, DAY)
    _, affected = stage.container.block_time()(
        interval=absence, doctor=stage.rui, reason="congress", cancel_appointments=True
    )
    seen = stage.now_of(visit, stage.bia)
    stage.check(list(affected) == [visit.id] and seen.cancelled_by is Side.DOCTOR, "the overlapped visit cancelled")
    free = stage.starts(stage.rui, stage.duda)
    stage.check(not any(absence.contains(one) for one in free), "nothing offered meanwhile")
    stage.tell(stage.rui.name, "blocks a day for a congress and cancels what is in it", f"{len(affected)} cancelled")
    calendar = f"CANCEL {seen.sequence}"
    stage.told(
        invited(stage.bia.id, "Appointment cancelled", calendar),
        invited(stage.rui.id, "Consulta cancelada", calendar, acted=True),
    )
