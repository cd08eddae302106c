"""Every operation of the contract: who may call it, what it takes, and what a caller who may gets for a probe."""

from typing import Any, Final

import attrs

from integration.http.people import PASSWORD, a_doctors_registration, a_patients_registration, an_agendas_replacement

NOBODY, PATIENT, DOCTOR, ADMINISTRATOR = "nobody", "patient", "doctor", "administrator"
ROLES: Final = (NOBODY, PATIENT, DOCTOR, ADMINISTRATOR)

SIGNED_IN: Final = frozenset({PATIENT, DOCTOR, ADMINISTRATOR})
SIDES: Final = frozenset({PATIENT, DOCTOR})
ANYONE: Final = frozenset(ROLES)

_P, _D, _A = frozenset({PATIENT}), frozenset({DOCTOR}), frozenset({ADMINISTRATOR})
_START: Final = "2026-07-01T15:00:00Z"
_PATIENT_PATCH: Final = {
    "name": "Bruno Reis",
    "location": {"lat": -23.5, "lon": -46.6},
    "time_zone": "America/Sao_Paulo",
    "language": "en",
}


@attrs.frozen
class Operation:
    """One line of the contract.

    Attributes:
        who: may call it.
        body: a valid one; ``None``: it takes none.
        answered: the status of a caller's probe: a body that is no JSON, or an id that is nobody's.
        role: whose body it is, where each role has its own.
        optional: fields that may be left out or be ``null``.
    """

    method: str
    path: str
    who: frozenset[str]
    body: dict[str, Any] | None = None
    answered: int = 422
    role: str | None = None
    optional: frozenset[str] = frozenset()

    @property
    def takes_id(self) -> bool:
        return "{" in self.path

    @property
    def caller(self) -> str:
        """One who may call it."""
        return self.role or min(self.who - {NOBODY}, default=NOBODY)

    def target(self, id: str) -> str:
        """Its path with that id."""
        return self.path.replace("{id}", id).replace("{secret}", id)

    def __str__(self) -> str:
        return f"{self.method} {self.path}{f' ({self.role})' if self.role else ''}"


def _appointment(action: str, who: frozenset[str], body: dict[str, Any] | None = None, *optional: str) -> Operation:
    answered = 404 if body is None else 422
    return Operation("POST", f"/v1/appointments/{{id}}/{action}", who, body, answered, optional=frozenset(optional))


ACTIONS: Final = (
    _appointment("accept", _D, {"rev": 1}),
    _appointment("refuse", _D, {"reason": "no time"}, "reason"),
    _appointment("cancel", SIDES, {"reason": "no time"}),
    _appointment("reschedule", SIDES, {"start": _START}),
    _appointment("proposal/accept", SIDES, {"proposal_id": "a-proposal"}),
    _appointment("proposal/decline", SIDES, {"proposal_id": "a-proposal"}),
    _appointment("join", SIDES),
    _appointment("absence", SIDES, {}),
    _appointment("complete", _D),
    _appointment("rating", _P, {"score": 4, "comment": "Took her time."}, "comment"),
)
"""What is done to an appointment."""

SHOW_APPOINTMENT: Final = Operation("GET", "/v1/appointments/{id}", SIDES, answered=404)

SHOW_CALENDAR: Final = Operation("GET", "/v1/appointments/{id}/calendar.ics", SIDES, answered=404)

OPERATIONS: Final = (
    Operation("GET", "/healthz", ANYONE, answered=200),
    Operation("GET", "/readyz", ANYONE, answered=200),
    Operation("GET", "/.well-known/jwks.json", ANYONE, answered=200),
    Operation(
        "POST",
        "/v1/doctors",
        ANYONE,
        a_doctors_registration(900_001, address="Rua Augusta 1", language="en"),
        optional=frozenset({"address"}),
    ),
    Operation(
        "POST",
        "/v1/patients",
        ANYONE,
        a_patients_registration(900_001, location={"lat": -23.5, "lon": -46.6}, language="en"),
        optional=frozenset({"location"}),
    ),
    Operation("POST", "/v1/auth/token", ANYONE, {"login": "nobody@example.com", "password": PASSWORD}),
    Operation("POST", "/v1/auth/refresh", ANYONE, {"refresh_token": "x"}),
    Operation("POST", "/v1/auth/logout", SIGNED_IN, answered=204),
    Operation("POST", "/v1/auth/password-reset", ANYONE, {"login": "nobody@example.com"}),
    Operation("POST", "/v1/auth/password-reset/confirm", ANYONE, {"token": "x", "password": PASSWORD}),
    Operation("POST", "/v1/me/password", SIGNED_IN, {"current": PASSWORD, "new": "seven calm herons drift"}),
    Operation("GET", "/v1/me", SIGNED_IN, answered=200),
    Operation(
        "PATCH",
        "/v1/me",
        SIGNED_IN,
        _PATIENT_PATCH | {"address": "Rua Augusta 1", "price_cents": 100, "specialties": ["cardiology"]},
        role=DOCTOR,
        optional=frozenset({"address"}),
    ),
    Operation("PATCH", "/v1/me", SIGNED_IN, _PATIENT_PATCH, role=PATIENT, optional=frozenset({"location"})),
    Operation("PATCH", "/v1/me", SIGNED_IN, {"time_zone": "UTC", "language": "en"}, role=ADMINISTRATOR),
    Operation("DELETE", "/v1/me", _P, answered=204),
    Operation(
        "POST",
        "/v1/doctors/{id}/verification",
        _A,
        {"decision": "approve", "reason": "all is well"},
        optional=frozenset({"reason"}),
    ),
    Operation("GET", "/v1/admin/doctors", _A, answered=200),
    Operation("GET", "/v1/specialties", ANYONE, answered=200),
    Operation("GET", "/v1/doctors", SIGNED_IN, answered=200),
    Operation("GET", "/v1/doctors/{id}", SIGNED_IN, answered=404),
    Operation("GET", "/v1/doctors/{id}/slots", SIGNED_IN, answered=422),
    Operation("GET", "/v1/doctors/{id}/ratings", SIGNED_IN, answered=404),
    Operation("GET", "/v1/agenda", _D, answered=200),
    Operation(
        "PUT",
        "/v1/agenda",
        _D,
        an_agendas_replacement(
            consultation_minutes=50,
            buffer_minutes=10,
            horizon_days=60,
            weekly=[{"weekday": "monday", "start": "08:00", "end": "12:00"}],
            dates=[{"date": "2026-06-05", "closed": False, "start": "08:00", "end": "12:00"}],
        ),
    ),
    Operation(
        "POST",
        "/v1/agenda/blocks",
        _D,
        {"start": _START, "end": "2026-07-01T16:00:00Z", "reason": "a course", "cancel_appointments": False},
        optional=frozenset({"reason"}),
    ),
    Operation("GET", "/v1/agenda/blocks", _D, answered=200),
    Operation("DELETE", "/v1/agenda/blocks/{id}", _D, answered=404),
    Operation(
        "POST",
        "/v1/appointments",
        _P,
        {"doctor_id": "a-doctor", "start": _START, "reason": "a cough"},
        optional=frozenset({"reason"}),
    ),
    Operation("GET", "/v1/appointments", SIDES, answered=200),
    SHOW_APPOINTMENT,
    SHOW_CALENDAR,
    *ACTIONS,
    Operation("GET", "/v1/notifications", SIGNED_IN, answered=200),
    Operation("POST", "/v1/notifications/{id}/read", SIGNED_IN, answered=404),
    Operation("GET", "/v1/calendar", SIGNED_IN, answered=200),
    Operation("DELETE", "/v1/calendar", SIGNED_IN, answered=204),
    Operation("GET", "/v1/calendar/{secret}.ics", ANYONE, answered=404),
    Operation("GET", "/v1/admin/notifications", _A, answered=200),
    Operation("POST", "/v1/admin/notifications/{id}/replay", _A, answered=404),
    Operation("GET", "/v1/admin/sagas", _A, answered=200),
    Operation("GET", "/v1/admin/sagas/{id}", _A, answered=404),
    *(
        Operation("POST", f"/v1/admin/sagas/{{id}}/{verb}", _A, {"reason": "the mail server is back"})
        for verb in ("retry", "compensate", "resolve")
    ),
)

WITH_BODY: Final = tuple(one for one in OPERATIONS if one.body is not None)
WITH_ID: Final = tuple(one for one in OPERATIONS if one.takes_id)
