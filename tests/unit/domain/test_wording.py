"""What readers read: every kind in both languages, in the reader's own time, naming the other side and nobody else."""

from datetime import timedelta
from string import Formatter

import attrs
import pytest

from telemed_core.domain.accounts import Account
from telemed_core.domain.announcing import FACTS
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.notices import Announcement, EventId, Kind, recipients
from telemed_core.domain.people import Language
from telemed_core.domain.phrases import TOLD
from telemed_core.domain.wording import (
    Names,
    Told,
    calendar_name,
    entrance,
    mailed,
    moment,
    people_in,
    told,
    untellable,
    visit_in_calendar,
)
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, an_administrator

DOCTOR = a_doctor(name="Ana Lima")
PATIENT = a_patient(name="Bruno Reis")
NAMES: Names = {DOCTOR.id: DOCTOR.name, PATIENT.id: PATIENT.name}
START = MONDAY + timedelta(days=9)

VALUES = {
    "decision_deadline": "2026-06-02T12:00:00Z",
    "proposed_start": "2026-06-11T13:30:00Z",
    "proposed_end": "2026-06-11T14:20:00Z",
    "expires_at": "2026-06-03T12:00:00Z",
    "late": "false",
    "absent": "both",
    "sequence": "1",
}


def about(kind: Kind, by: Side = Side.SYSTEM, **facts: str) -> Announcement:
    return Announcement(
        id=EventId("appointment-1.3"),
        kind=kind,
        at=MONDAY,
        seq=3,
        subject=AppointmentId("appointment-1"),
        by=by,
        doctor_id=DOCTOR.id,
        patient_id=PATIENT.id,
        start=START,
        end=START + timedelta(minutes=50),
        facts={name: facts.get(name, VALUES[name]) for name in FACTS.get(kind, ())},
    )


def body(kind: Kind, reader: Account, by: Side = Side.SYSTEM, **facts: str) -> str:
    return told(about(kind, by, **facts), reader=reader, names=NAMES).body


def in_english(reader: Account) -> Account:
    return attrs.evolve(reader, language=Language.ENGLISH)


def test_the_email_to_a_doctor_about_a_new_request_is_exactly_this() -> None:
    mail = mailed(about(Kind.REQUESTED, Side.PATIENT), reader=DOCTOR, names=NAMES, link="https://clinic.example/x")
    assert mail == Told(
        "Health&Med - Nova consulta agendada",
        "Olá, Dr(a). Ana Lima! Você tem uma nova consulta marcada! Paciente: Bruno Reis. "
        "Data e horário: 10/06/2026 às 09:00 (America/Sao_Paulo, UTC-03:00).",
    )


def test_times_are_told_in_the_readers_own_zone() -> None:
    manaus = attrs.evolve(DOCTOR, time_zone=TimeZone("America/Manaus"))
    assert "10/06/2026 às 08:00 (America/Manaus, UTC-04:00)" in body(Kind.REQUESTED, manaus)
    kathmandu = attrs.evolve(PATIENT, time_zone=TimeZone("Asia/Kathmandu"))
    assert "10/06/2026 às 17:45 (Asia/Kathmandu, UTC+05:45)" in body(Kind.REMINDER, kathmandu)


def test_an_offset_is_the_one_of_that_day() -> None:
    new_york = TimeZone("America/New_York")
    summer = moment(START, language=Language.ENGLISH, zone=new_york)
    winter = moment(START + timedelta(days=200), language=Language.ENGLISH, zone=new_york)
    assert (summer, winter) == (
        "2026-06-10 08:00 (America/New_York, UTC-04:00)",
        "2026-12-27 07:00 (America/New_York, UTC-05:00)",
    )


@pytest.mark.parametrize(
    ("kind", "by", "reader", "text"),
    [
        (Kind.MOVED, Side.PATIENT, DOCTOR, "Responda até 02/06/2026 às 09:00 (America/Sao_Paulo, UTC-03:00)."),
        (Kind.PROPOSED, Side.DOCTOR, PATIENT, "Dr(a). Ana Lima propõe outro horário para a consulta de 10/06/2026"),
        (Kind.PROPOSED, Side.DOCTOR, PATIENT, "Novo horário: 11/06/2026 às 10:30 (America/Sao_Paulo, UTC-03:00)."),
        (Kind.PROPOSED, Side.PATIENT, DOCTOR, "Responda até 03/06/2026 às 09:00 (America/Sao_Paulo, UTC-03:00)."),
        (Kind.CONFIRMED, Side.DOCTOR, PATIENT, "Sua consulta com Dr(a). Ana Lima está confirmada."),
        (Kind.CONFIRMED, Side.DOCTOR, DOCTOR, "A consulta está confirmada. Paciente: Bruno Reis."),
        (
            Kind.EXPIRED,
            Side.SYSTEM,
            DOCTOR,
            "Um pedido de consulta ficou sem resposta e expirou. Paciente: Bruno Reis.",
        ),
        (Kind.EXPIRED, Side.SYSTEM, PATIENT, "Seu pedido de consulta com Dr(a). Ana Lima ficou sem resposta"),
        (Kind.CANCELLED, Side.PATIENT, DOCTOR, "Bruno Reis cancelou a consulta de 10/06/2026 às 09:00"),
        (Kind.CANCELLED, Side.PATIENT, PATIENT, "Você cancelou a consulta com Dr(a). Ana Lima de 10/06/2026"),
        (Kind.DECLINED, Side.DOCTOR, PATIENT, "Dr(a). Ana Lima encerrou a proposta de novo horário."),
    ],
)
def test_each_side_reads_what_it_must_know(kind: Kind, by: Side, reader: Account, text: str) -> None:
    assert text in body(kind, reader, by)


def test_a_late_cancellation_says_so_and_another_does_not() -> None:
    late = "menos de 2 horas"
    assert late in body(Kind.CANCELLED, DOCTOR, Side.PATIENT, late="true")
    assert late not in body(Kind.CANCELLED, DOCTOR, Side.PATIENT, late="false")
    assert "less than 2 hours" in body(Kind.CANCELLED, in_english(DOCTOR), Side.PATIENT, late="true")


@pytest.mark.parametrize(
    ("absent", "reader", "text"),
    [
        ("both", DOCTOR, "ninguém compareceu"),
        ("patient", DOCTOR, "Bruno Reis não compareceu"),
        ("patient", PATIENT, "você não compareceu"),
        ("doctor", PATIENT, "Dr(a). Ana Lima não compareceu"),
        ("doctor", DOCTOR, "você não compareceu"),
    ],
)
def test_whoever_did_not_come_is_told_as_the_reader_sees_it(absent: str, reader: Account, text: str) -> None:
    assert text in body(Kind.NO_SHOW, reader, absent=absent)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("by", Side)
def test_every_kind_is_told_to_each_of_its_readers_in_each_language(kind: Kind, by: Side, language: Language) -> None:
    announced = about(kind, by)
    sides: dict[str, Account] = {one.id: attrs.evolve(one, language=language) for one in (DOCTOR, PATIENT)}
    for reader in [sides[one] for one in recipients(announced)]:
        mail = mailed(announced, reader=reader, names=NAMES, link="https://clinic.example/x")
        assert mail.title.startswith("Health&Med - ")
        assert not {"{", "}"} & {*mail.title, *mail.body}
        assert not any(name in mail.title for name in NAMES.values()), "a subject names nobody"
        assert mail.body.startswith("Olá, " if language is Language.PORTUGUESE else "Hello, ")
        assert told(announced, reader=reader, names=NAMES).body in mail.body


def test_both_languages_have_the_same_phrases_with_the_same_gaps_and_none_in_titles() -> None:
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    portuguese, english = TOLD[Language.PORTUGUESE], TOLD[Language.ENGLISH]
    assert portuguese.keys() == english.keys()
    for name, (title, text) in portuguese.items():
        assert gaps(title) == gaps(english[name][0]) == set()
        if name != "requested":  # whose Portuguese is fixed
            assert gaps(text) == gaps(english[name][1]), name


def test_an_email_that_leads_somewhere_ends_with_the_link() -> None:
    link = "https://clinic.example/appointments/appointment-1/visit"
    mail = mailed(about(Kind.CONFIRMED), reader=PATIENT, names=NAMES, link=link)
    assert mail.body.endswith(f"\n\nAbra por aqui: {link}\n")
    without = mailed(about(Kind.CONFIRMED), reader=PATIENT, names=NAMES)
    assert "Abra" not in without.body


def test_doctors_are_greeted_as_doctors_and_administrators_without_a_name() -> None:
    reset = attrs.evolve(about(Kind.PASSWORD_RESET), doctor_id=None, patient_id=None, start=None, facts={})
    greeted = {
        reader.id: mailed(reset, reader=reader, names={}).body.partition("!")[0]
        for reader in (DOCTOR, PATIENT, an_administrator())
    }
    assert list(greeted.values()) == ["Olá, Dr(a). Ana Lima", "Olá, Bruno Reis", "Olá"]
    assert mailed(reset, reader=in_english(DOCTOR), names={}).body.startswith("Hello, Dr. Ana Lima!")


def test_whose_name_is_not_known_has_none() -> None:
    assert "Paciente: …." in told(about(Kind.REQUESTED), reader=DOCTOR, names={}).body
    assert "Dr(a). …" in told(about(Kind.CONFIRMED), reader=PATIENT, names={}).body


def test_a_name_with_braces_stays_as_it_is() -> None:
    braces = {**NAMES, PATIENT.id: "{when} {0} Reis"}
    assert "Paciente: {when} {0} Reis." in told(about(Kind.REQUESTED), reader=DOCTOR, names=braces).body


def test_it_takes_the_names_of_both_sides_to_tell_about_a_visit() -> None:
    assert people_in(about(Kind.CONFIRMED)) == {DOCTOR.id, PATIENT.id}
    assert people_in(attrs.evolve(about(Kind.APPROVED), patient_id=None)) == {DOCTOR.id}


def test_a_calendar_names_the_other_side_in_the_readers_language() -> None:
    def named(reader: Account) -> str:
        return visit_in_calendar(DOCTOR.id, PATIENT.id, reader=reader, names=NAMES)

    assert (named(PATIENT), named(in_english(PATIENT))) == (
        "Consulta com Dr(a). Ana Lima",
        "Appointment with Dr. Ana Lima",
    )
    assert (named(DOCTOR), named(in_english(DOCTOR))) == ("Consulta – Bruno Reis", "Appointment – Bruno Reis")
    assert (calendar_name(PATIENT), calendar_name(in_english(DOCTOR))) == (
        "Consultas Health&Med",
        "Health&Med appointments",
    )
    assert entrance(PATIENT, "https://x") == "A entrada abre 10 minutos antes: https://x"
    assert entrance(in_english(PATIENT), "https://x") == "You can enter from 10 minutes before: https://x"


def test_what_cannot_be_told_is_news_all_the_same() -> None:
    assert untellable(PATIENT).title == "Novidade"
    assert untellable(in_english(PATIENT)).title == "News"


def test_texts_do_not_show_themselves() -> None:
    assert "Bruno" not in repr(told(about(Kind.REQUESTED), reader=DOCTOR, names=NAMES))
