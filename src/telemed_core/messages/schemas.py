"""What JSON Schema can say of each field, never more than its parser holds to."""

from typing import Any, Final, get_args

from pydantic import WithJsonSchema

from telemed_core.domain.agenda import LONGEST, Weekday
from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.people import FEDERATIVE_UNITS
from telemed_core.domain.places import MOST_CENTS
from telemed_core.domain.ratings import SCORES
from telemed_core.domain.texts import REASON_MAX, REASON_MIN

BIGGEST: Final = 10**8
"""How big a number in a request may be, either way."""

LONGEST_CURSOR: Final = 1024
MOST_PER_PAGE: Final = 100

ID_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

_NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"
_NO_CONTROLS_BUT_LINES = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"
_UNITS = "|".join("".join(f"[{one}{one.lower()}]" for one in unit) for unit in sorted(FEDERATIVE_UNITS))
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = "[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
_DAY = "(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
# At either end of the calendar the offset can make it the day beyond.
_CALENDAR = f"(?:(?:199[0-9]|2[01][0-9]{{2}})-{_DAY}|1989-12-31|2200-01-01)"


def said(kind: str, about: str | None = None, *examples: Any, **rules: Any) -> WithJsonSchema:
    """The schema of one type, with examples."""
    schema: dict[str, Any] = {"type": kind, **rules}
    if about:
        schema["description"] = about
    if examples:
        schema["examples"] = list(examples)
    return WithJsonSchema(schema)


def written(about: str, example: str, *, least: int, most: int, lines: bool = False) -> WithJsonSchema:
    """What people write: without control characters, its length counted without outer white space."""
    pattern = _NO_CONTROLS_BUT_LINES if lines else _NO_CONTROLS
    return said("string", about, example, minLength=least, maxLength=most, pattern=pattern)


WHOLE: Final = said("integer", None, 1, minimum=-BIGGEST, maximum=BIGGEST)
NUMBER: Final = said("number", minimum=-BIGGEST, maximum=BIGGEST)
LATITUDE: Final = said("number", "Degrees, north of the equator.", -23.5505, minimum=-90, maximum=90)
LONGITUDE: Final = said("number", "Degrees, east of Greenwich.", -46.6333, minimum=-180, maximum=180)
CENTS: Final = said("integer", "Cents of a Brazilian real.", 25_000, minimum=0, maximum=MOST_CENTS)

CPF: Final = said(
    "string",
    "The taxpayer number, bare or as 000.000.000-00, with check digits that fit.",
    "529.982.247-25",
    pattern=r"^(?:[0-9]{11}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2})$",
)
CRM: Final = said(
    "string",
    "The doctor's registration: up to 7 digits and the state whose council gave it.",
    "123456-SP",
    pattern=f"^0*[1-9][0-9]*-(?:{_UNITS})$",
    maxLength=10,
)
EMAIL: Final = said(
    "string",
    "An e-mail address in ASCII, at most 254 characters; upper and lower case are the same, spaces around it go.",
    "ana@example.org",
    # No `format`: to that, spaces around an address would be wrong.
    pattern=rf"^ *{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_TOP} *$",
)
PASSWORD: Final = said(
    "string",
    "12 to 128 characters, and none of the common passwords.",
    "four loud herons at dawn",
    format="password",
    minLength=12,
    maxLength=128,
    pattern=r"^[^\u0000]*$",
)
TRIED_PASSWORD: Final = said(
    "string", "The password as it is.", "four loud herons at dawn", format="password", minLength=1, maxLength=128
)
LOGIN: Final = said(
    "string",
    "A doctor's CRM, a patient's CPF or e-mail, an administrator's e-mail.",
    "123456-SP",
    minLength=1,
    maxLength=254,
)
RESET_TOKEN: Final = said("string", "As it came by e-mail.", minLength=1, maxLength=1024)
REFRESH_TOKEN: Final = said("string", "As it was answered last.", minLength=1, maxLength=4096)
NAME: Final = written("A person's name, with at least one letter.", "Ana Lima", least=2, most=120)
NAME_WORDS: Final = written(
    "Each word begins a word of the name, whatever case and accents.", "ana li", least=1, most=120
)
ADDRESS: Final = written("Where consultations are given.", "Rua Augusta, 1500, São Paulo", least=3, most=200)
REASON: Final = written("Why.", "I am away that day.", least=REASON_MIN, most=REASON_MAX, lines=True)
REMARK: Final = written("Why; it may be empty.", "A cough that lasts.", least=0, most=REASON_MAX, lines=True)
COMMENT: Final = written(
    "What others may read of it; it may be empty.", "Took her time.", least=0, most=REASON_MAX, lines=True
)
SCORE: Final = said("integer", "The worst is 1, the best 5.", 5, minimum=min(SCORES), maximum=max(SCORES))
ZONE: Final = said(
    "string",
    "The name of an IANA time zone.",
    "America/Sao_Paulo",
    "America/Manaus",
    "UTC",
    pattern="^[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}$",
    maxLength=64,
)
INSTANT: Final = said(
    "string",
    "An instant with its offset from UTC (RFC 3339), in the years 1990 to 2199.",
    "2026-06-01T12:00:00-03:00",
    format="date-time",
    pattern=f"^{_CALENDAR}[Tt ]{_TIME}(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$",
)
DATE: Final = said(
    "string",
    "A day of the years 1900 to 2199.",
    "1990-05-17",
    format="date",
    pattern=f"^(?:19|20|21)[0-9]{{2}}-{_DAY}$",
)
CLOCK: Final = said(
    "string",
    "A local time of day, on the grid of 5 minutes; 24:00 ends a day.",
    "08:00",
    pattern="^(?:(?:[01][0-9]|2[0-3]):[0-5][05]|24:00)$",
)
WEEKDAY: Final = said("string", None, "monday", enum=[day.name.lower() for day in Weekday])
CONSULTATION: Final = said("integer", "The length of a visit.", 50, minimum=5, maximum=LONGEST, multipleOf=5)
BUFFER: Final = said("integer", "Kept free after a visit.", 10, minimum=0, maximum=LONGEST - 5, multipleOf=5)
NOTICE: Final = said("integer", "How far ahead a start lies at least.", 120, minimum=0, maximum=366 * 1440)
HORIZON: Final = said("integer", "How far ahead a start lies at most.", 60, minimum=1, maximum=366)
LIMIT: Final = said("integer", "How many to a page.", 20, minimum=1, maximum=MOST_PER_PAGE)
CURSOR: Final = said(
    "string",
    "The `next_cursor` of the page before, with the same query.",
    pattern="^[!-~]+$",
    minLength=1,
    maxLength=LONGEST_CURSOR,
)
ID: Final = said("string", None, "k3v9m2x7q4w8z5t1c6b0n8r2d4", pattern=ID_PATTERN)
SAGA_NAME: Final = said("string", "The name of the saga's definition.", "accept", pattern=ID_PATTERN)

# What only answers have: the domain's own spelling.
UTC_INSTANT: Final = said("string", "UTC, to the second.", "2026-06-01T15:00:00Z", format="date-time")
CHIME_MEETING: Final = said("object", "Chime's `Meeting` object: for `MeetingSessionConfiguration`, as it is.")
CHIME_ATTENDEE: Final = said(
    "object", "Chime's `Attendee` object, a secret: for `MeetingSessionConfiguration`, as it is."
)
OWN_CPF: Final = said("string", None, "52998224725", pattern="^[0-9]{11}$")
OWN_EMAIL: Final = said("string", None, "ana@example.org", format="email")
AVERAGE: Final = said("number", "Of the scores given.", 4.5, minimum=1, maximum=5)
COUNT: Final = said("integer", None, 12, minimum=0)
DISTANCE: Final = said("number", "From the point that was asked about, to the metre.", 3.142, minimum=0)
REVISION: Final = said("integer", "Rises with every change.", 3, minimum=1)
VERSION: Final = said("integer", "Of the definition that it was started with.", 1, minimum=1)
ATTEMPT: Final = said("integer", "Of the step that it is at; 1 is the first.", 1, minimum=1)
SECONDS: Final = said("integer", None, 900, minimum=1)
STATUS: Final = said("integer", "The HTTP status.", 409, minimum=400, maximum=599)
PROBLEM_TYPE: Final = said(
    "string", None, "urn:telemed:problem:slot_taken", format="uri", pattern="^urn:telemed:problem:[a-z_]+$"
)
URL: Final = said("string", None, format="uri")
EVENT: Final = said("string", None, "requested", enum=[kind.name for kind in get_args(AppointmentEvent)])
