"""What happens in the demonstration, chapter by chapter."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from entrypoints.cli.demo.aftermath import forgotten_password, reminders, sagas
from entrypoints.cli.demo.stage import SYSTEM, ZONE, Stage, at, outcome_of
from entrypoints.cli.demo.tellings import Telling, invited
from telemed_core.domain.agenda import Agenda, Weekday, WeeklyWindow, Window
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.events import Absent, Side
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import ConsentKind, Patient
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
PASSWORD: Final = Password("four quiet otters juggle")


def registration(stage: Stage) -> None:
    """Everyone registers; a second account with the same data is refused."""
    container = stage.container
    stage.administrator = container.create_administrator()(
        email=EmailAddress.parse(f"clinic{stage.number()}@example.org"), password=PASSWORD, time_zone=ZONE
    )
    stage.tell("the clinic", "names an administrator", "created")
    stage.ana = _doctor(stage, "Ana Lima", Specialty.CARDIOLOGY)
    stage.rui = _doctor(stage, "Rui Costa", Specialty.DERMATOLOGY)
    cpf = stage.cpf()
    stage.bia = _patient(stage, "Bia Reis", cpf)
    stage.caio = _patient(stage, "Caio Melo", stage.cpf())
    stage.duda = _patient(stage, "Duda Paz", stage.cpf())
    for one in (stage.bia, stage.caio, stage.duda):
        stage.tell(one.name, "registers as a patient, with both consents", "registered")
    again = stage.refused("already_registered", lambda: _patient(stage, "Bia Reis", cpf))
    stage.tell(stage.bia.name, "registers once more with the same CPF", again)


def _doctor(stage: Stage, name: str, specialty: Specialty) -> Doctor:
    number = stage.number()
    doctor = stage.container.register_doctor()(
        name=name,
        crm=Crm.parse(f"{number % 10_000_000 or 1}-SP"),
        email=EmailAddress.parse(f"doctor{number}@example.org"),
        cpf=stage.cpf(),
        password=PASSWORD,
        specialties=(specialty,),
        location=GeoPoint.parse(-23.55, -46.63),
        address=None,
        time_zone=ZONE,
        price_cents=Cents(25_000),
    )
    stage.check(doctor.status is DoctorStatus.PENDING, "a doctor who waits for verification")
    stage.tell(name, f"registers as a doctor ({specialty}), CRM {doctor.crm}", doctor.status)
    return doctor


def _patient(stage: Stage, name: str, cpf: Cpf) -> Patient:
    return stage.container.register_patient()(
        name=name,
        cpf=cpf,
        email=EmailAddress.parse(f"patient{stage.number()}@example.org"),
        password=PASSWORD,
        born=date(1990, 5, 17),
        time_zone=ZONE,
        location=None,
        consented=tuple(ConsentKind),
        language=Language.ENGLISH,
    )


def verification(stage: Stage) -> None:
    """Nobody books a doctor before the registration is approved."""
    soon = stage.clock.now() + DAY
    early = stage.refused("not_found", lambda: _request(stage, stage.bia, stage.ana, soon))
    stage.tell(stage.bia.name, "asks for a doctor who is not verified", early)
    approved = [
        stage.container.verify_doctor()(
            doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=stage.administrator
        )[0]
        for doctor in (stage.ana, stage.rui)
    ]
    stage.ana, stage.rui = approved
    for doctor in approved:
        stage.check(doctor.approved, "an approved doctor")
        stage.tell("the clinic", f"verifies the registration of {doctor.name}", doctor.status)
    stage.told(*(Telling(doctor.id, "Cadastro aprovado") for doctor in approved))


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
    stage.visit = _request(stage, stage.bia, stage.ana, start, "palpitations when climbing stairs")
    stage.check(stage.visit.status is Status.REQUESTED, "a requested appointment")
    stage.check(start not in stage.starts(stage.ana, stage.caio), "a slot that nobody else is offered")
    stage.tell(stage.bia.name, f"asks {stage.ana.name} for {at(start)}", "requested: the slot is held")
    stage.told(_asked(stage))
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
        return outcome_of(lambda: won.update({patient.id: _request(stage, patient, stage.ana, start)}))

    rivals = (stage.caio, stage.duda)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, rivals))
    stage.check(sorted(answers) == ["done", "slot_taken"], f"one winner of two, not {answers}")
    for patient, answer in zip(rivals, answers, strict=True):
        outcome = "requested" if answer == "done" else f"refused: {answer}"
        stage.tell(patient.name, f"asks for {at(start)}, at the same instant", outcome)
    stage.told(_asked(stage))
    (stage.unanswered,) = won.values()
    stage.loser = stage.duda if stage.unanswered.patient_id == stage.caio.id else stage.caio


def accept(stage: Stage) -> None:
    """The doctor accepts what the doctor saw, and nothing else."""
    seen = stage.visit
    start = stage.starts(stage.ana, stage.bia)[12]
    stage.visit = stage.container.reschedule_appointment()(appointment_id=seen.id, start=start, actor=stage.bia)
    stage.check(stage.visit.visit.start == start and stage.visit.rev == seen.rev + 1, "a request that was moved")
    stage.tell(stage.bia.name, f"moves the request to {at(start)}", "moved")
    stale = stage.refused("stale_revision", lambda: _accept(stage, seen.rev))
    stage.tell(stage.ana.name, "accepts the time that she saw before the move", stale)
    stage.told(Telling(stage.ana.id, "Pedido de consulta em novo horário"))
    _accept(stage, stage.visit.rev)
    stage.check(stage.visit.status is Status.CONFIRMED, "a confirmed appointment")
    stage.tell(stage.ana.name, f"looks again and accepts {at(start)}", stage.visit.status)
    stage.told(*_accepted(stage.visit))


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
        lambda: stage.container.accept_appointment()(appointment_id=request_.id, rev=request_.rev, doctor=stage.ana),
    )
    stage.tell(stage.ana.name, "accepts it after the deadline", late)
    start = request_.visit.start
    stage.visit = _request(stage, stage.loser, stage.ana, start)
    stage.check(stage.visit.status is Status.REQUESTED, "the slot to be taken over")
    stage.tell(stage.loser.name, f"asks for {at(start)}, lost before", "requested: takeover of the slot")
    stage.told(
        Telling(stage.ana.id, "Pedido de consulta expirado"),
        Telling(asker.id, "Appointment request expired"),
        _asked(stage),
    )
    _accept(stage, stage.visit.rev)
    stage.tell(stage.ana.name, f"accepts {at(start)}", stage.visit.status)
    stage.told(*_accepted(stage.visit))


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


def block(stage: Stage) -> None:
    """An absence cancels what it overlaps."""
    start = next(one for one in stage.starts(stage.rui, stage.bia) if one > stage.clock.now() + DAY)
    visit = _request(stage, stage.bia, stage.rui, start)
    visit = stage.container.accept_appointment()(appointment_id=visit.id, rev=visit.rev, doctor=stage.rui)
    stage.tell(stage.bia.name, f"asks {stage.rui.name} for {at(start)}, who accepts", visit.status)
    stage.told(Telling(stage.rui.id, "Nova consulta agendada"), *_accepted(visit))
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


def audit(stage: Stage) -> None:
    """In the end the ledger is exactly the live appointments."""
    differences = list(stage.container.verify_ledger()())
    stage.check(not differences, f"a clean ledger, not {len(differences)} differences")
    stage.tell(SYSTEM, "verifies the ledger against the appointments", "clean")


def _request(stage: Stage, patient: Patient, doctor: Doctor, start: datetime, reason: str | None = None) -> Appointment:
    return stage.container.request_appointment()(doctor_id=doctor.id, start=start, patient=patient, reason=reason)


def _accept(stage: Stage, rev: int) -> None:
    stage.visit = stage.container.accept_appointment()(appointment_id=stage.visit.id, rev=rev, doctor=stage.ana)


def _asked(stage: Stage) -> Telling:
    """What Ana is told of a request."""
    return Telling(stage.ana.id, "Nova consulta agendada")


def _accepted(visit: Appointment) -> tuple[Telling, Telling]:
    calendar = f"REQUEST {visit.sequence}"
    return (
        invited(visit.patient_id, "Appointment confirmed", calendar),
        invited(visit.doctor_id, "Consulta confirmada", calendar, acted=True),
    )


CHAPTERS: Final[tuple[tuple[str, Callable[[Stage], None]], ...]] = (
    ("Registration", registration),
    ("Verification", verification),
    ("Agenda and slots", agenda),
    ("Request", request),
    ("A lost race", lost_race),
    ("Accept", accept),
    ("Reschedule by proposal", reschedule),
    ("Cancel", cancel),
    ("Expiry and takeover", expiry),
    ("Reminders", reminders),
    ("No-show and sweep", no_show),
    ("Block", block),
    ("A forgotten password", forgotten_password),
    ("Ledger", audit),
    ("Sagas", sagas),
)
