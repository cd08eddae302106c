"""The phrases themselves, by language; what is in braces is put in when somebody is told."""

from collections.abc import Mapping
from typing import Final

from telemed_core.domain.people import Language

_PT: Final = Language.PORTUGUESE
_EN: Final = Language.ENGLISH

SUBJECT: Final = "Health&Med - {title}"
MOMENT: Final = {_PT: "%d/%m/%Y às %H:%M", _EN: "%Y-%m-%d %H:%M"}
GREETING: Final = {_PT: "Olá, {name}!", _EN: "Hello, {name}!"}
GREETING_TO_NOBODY: Final = {_PT: "Olá!", _EN: "Hello!"}
DOCTOR: Final = {_PT: "Dr(a). {name}", _EN: "Dr. {name}"}
LINK: Final = {_PT: "\n\nAbra por aqui: {link}\n", _EN: "\n\nOpen it here: {link}\n"}
LATE: Final = {
    _PT: " O cancelamento foi feito com menos de 2 horas de antecedência.",
    _EN: " It was cancelled less than 2 hours ahead.",
}
UNTELLABLE: Final = {
    _PT: ("Novidade", "Há uma novidade na sua conta. Veja as suas consultas."),
    _EN: ("News", "There is news in your account. Please look at your appointments."),
}
CALENDAR: Final = {_PT: "Consultas Health&Med", _EN: "Health&Med appointments"}
VISIT_WITH_DOCTOR: Final = {_PT: "Consulta com {other}", _EN: "Appointment with {other}"}
VISIT_OF_PATIENT: Final = {_PT: "Consulta – {other}", _EN: "Appointment – {other}"}
ENTRANCE: Final = {
    _PT: "A entrada abre 10 minutos antes: {link}",
    _EN: "You can enter from 10 minutes before: {link}",
}

_IN_PORTUGUESE: Final = {
    "requested": (
        "Nova consulta agendada",
        "Você tem uma nova consulta marcada! Paciente: {other}. Data e horário: {when}.",
    ),
    "moved": (
        "Pedido de consulta em novo horário",
        "O paciente mudou o horário do pedido. Paciente: {other}. Data e horário: {when}. Responda até {until}.",
    ),
    "confirmed.doctor": (
        "Consulta confirmada",
        "A consulta está confirmada. Paciente: {other}. Data e horário: {when}.",
    ),
    "confirmed.patient": (
        "Consulta confirmada",
        "Sua consulta com {other} está confirmada. Data e horário: {when}. A entrada abre 10 minutos antes.",
    ),
    "refused": (
        "Pedido de consulta recusado",
        "{other} não pode atender no horário pedido: {when}. Escolha outro horário ou outro profissional.",
    ),
    "expired.doctor": (
        "Pedido de consulta expirado",
        "Um pedido de consulta ficou sem resposta e expirou. Paciente: {other}. Data e horário: {when}.",
    ),
    "expired.patient": (
        "Pedido de consulta expirado",
        "Seu pedido de consulta com {other} ficou sem resposta e expirou. Data e horário: {when}.",
    ),
    "proposed": (
        "Novo horário proposto",
        "{other} propõe outro horário para a consulta de {when}. Novo horário: {new}. Responda até {until}.",
    ),
    "agreed": (
        "Consulta remarcada",
        "A consulta com {other} foi remarcada. Nova data e horário: {when}.",
    ),
    "declined": (
        "Proposta de novo horário encerrada",
        "{other} encerrou a proposta de novo horário. A consulta continua para {when}.",
    ),
    "lapsed": (
        "Proposta de novo horário sem efeito",
        "A proposta de novo horário para a consulta com {other} não vale mais. A consulta continua para {when}.",
    ),
    "cancelled.own": ("Consulta cancelada", "Você cancelou a consulta com {other} de {when}."),
    "cancelled.other": ("Consulta cancelada", "{other} cancelou a consulta de {when}."),
    "completed": (
        "Consulta concluída",
        "Sua consulta com {other} de {when} foi concluída. Conte como foi: avalie o atendimento.",
    ),
    "no_show.own": (
        "Consulta não realizada",
        "A consulta com {other} de {when} não aconteceu: você não compareceu.",
    ),
    "no_show.other": (
        "Consulta não realizada",
        "A consulta de {when} não aconteceu: {other} não compareceu.",
    ),
    "no_show.both": (
        "Consulta não realizada",
        "A consulta com {other} de {when} não aconteceu: ninguém compareceu.",
    ),
    "reminder": (
        "Lembrete de consulta",
        "Sua consulta com {other} está próxima. Data e horário: {when}. A entrada abre 10 minutos antes.",
    ),
    "approved": (
        "Cadastro aprovado",
        "Seu cadastro foi aprovado. Com a sua agenda definida, pacientes já podem marcar consultas.",
    ),
    "rejected": ("Cadastro recusado", "Seu cadastro não foi aprovado. Fale com a clínica para saber mais."),
    "suspended": (
        "Cadastro suspenso",
        "Seu cadastro está suspenso e não recebe novas consultas. Fale com a clínica para saber mais.",
    ),
    "password_reset": (
        "Nova senha",
        "Alguém pediu uma nova senha para a sua conta. O endereço abaixo vale por 30 minutos, uma única vez. "
        "Se não foi você, ignore esta mensagem: nada muda.",
    ),
}

_IN_ENGLISH: Final = {
    "requested": (
        "New appointment request",
        "You have a new appointment request! Patient: {other}. Date and time: {when}. Please answer by {until}.",
    ),
    "moved": (
        "Appointment request moved",
        "The patient has moved the request. Patient: {other}. Date and time: {when}. Please answer by {until}.",
    ),
    "confirmed.doctor": (
        "Appointment confirmed",
        "The appointment is confirmed. Patient: {other}. Date and time: {when}.",
    ),
    "confirmed.patient": (
        "Appointment confirmed",
        "Your appointment with {other} is confirmed. Date and time: {when}. You can enter from 10 minutes before.",
    ),
    "refused": (
        "Appointment request refused",
        "{other} is not available at the time you asked for: {when}. Please choose another time or another doctor.",
    ),
    "expired.doctor": (
        "Appointment request expired",
        "An appointment request was not answered and has expired. Patient: {other}. Date and time: {when}.",
    ),
    "expired.patient": (
        "Appointment request expired",
        "Your appointment request to {other} was not answered and has expired. Date and time: {when}.",
    ),
    "proposed": (
        "New time proposed",
        "{other} proposes another time for the appointment of {when}. New time: {new}. Please answer by {until}.",
    ),
    "agreed": (
        "Appointment moved",
        "The appointment with {other} has been moved. New date and time: {when}.",
    ),
    "declined": (
        "Proposed time closed",
        "{other} has closed the proposal of a new time. The appointment stays at {when}.",
    ),
    "lapsed": (
        "Proposed time no longer open",
        "The new time proposed for the appointment with {other} is no longer open. The appointment stays at {when}.",
    ),
    "cancelled.own": ("Appointment cancelled", "You have cancelled the appointment with {other} of {when}."),
    "cancelled.other": ("Appointment cancelled", "{other} has cancelled the appointment of {when}."),
    "completed": (
        "Appointment completed",
        "Your appointment with {other} of {when} is completed. Tell us how it was: rate it.",
    ),
    "no_show.own": (
        "Appointment missed",
        "The appointment with {other} of {when} did not take place: you did not come.",
    ),
    "no_show.other": ("Appointment missed", "The appointment of {when} did not take place: {other} did not come."),
    "no_show.both": (
        "Appointment missed",
        "The appointment with {other} of {when} did not take place: nobody came.",
    ),
    "reminder": (
        "Appointment reminder",
        "Your appointment with {other} is near. Date and time: {when}. You can enter from 10 minutes before.",
    ),
    "approved": (
        "Registration approved",
        "Your registration is approved. Once your agenda is set, patients can ask for appointments.",
    ),
    "rejected": ("Registration refused", "Your registration was not approved. Please ask the clinic."),
    "suspended": (
        "Registration suspended",
        "Your registration is suspended and takes no new appointments. Please ask the clinic.",
    ),
    "password_reset": (
        "New password",
        "Somebody asked for a new password for your account. The address below is good once, for 30 minutes. "
        "If it was not you, ignore this message: nothing changes.",
    ),
}

TOLD: Final[Mapping[Language, Mapping[str, tuple[str, str]]]] = {_PT: _IN_PORTUGUESE, _EN: _IN_ENGLISH}
"""Title and text of each kind, where it matters by side: the reader's (``doctor``, ``patient``), or who did it."""
