"""Values that a field or a parameter must refuse, by what it holds; each as it stands in the JSON text."""

import json
from collections.abc import Iterable
from typing import Any, Final

from telemed_core.testing.builders import a_cpf

MARK: Final = "Zq7xMark"
"""Part of hostile texts: an answer that has it echoes its input."""

DEEP: Final = "[" * 1000 + "]" * 1000
NO_JSON: Final = (
    "NaN",
    "Infinity",
    "-Infinity",
    f'"{MARK}\\ud800"',
    f'"{MARK}\\udc00\\ud800"',
    DEEP,
    "9" * 5000,
    "01",
    "'x'",
)
"""What no body may have anywhere: it is refused as a whole."""

_NO_TEXT: Final = ("0", "1", "1.5", "true", "false", "{}", "[]", f'["{MARK}"]', f'{{"<{MARK}>": 1}}', "1e400")
_NO_NUMBER: Final = (
    f'"{MARK}"',
    '"1"',
    '""',
    "true",
    "false",
    "{}",
    "[]",
    "[1]",
    '{"$gt": 0}',
    '"١"',
    "1e999",
    "-1e999",
    "9" * 400,
)
_LONG: Final = f'"{MARK * 20_000}"'


def _texts(*texts: str) -> tuple[str, ...]:
    return (*_NO_TEXT, _LONG, *(json.dumps(text) for text in texts))


_CPF: Final = a_cpf(200_000_001).digits
_CPFS: Final = (
    _CPF[:-1],
    f" {_CPF}",
    f"{_CPF}\n",
    f"{_CPF[:3]}.{_CPF[3:]}",
    _CPF.translate({ord("0") + digit: chr(0x0660 + digit) for digit in range(10)}),
    _CPF.translate({ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)}),
)
"""One of somebody, misspelt or in another script's digits."""

REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "name": _texts("", " ", "x", "1234", f"{MARK}\0", f"{MARK}\u202egnp", f"{MARK}\u2066x", "\x1b[31m" + MARK,
        MARK * 16),
    "address": _texts("", "xy", f"{MARK}\0", f"{MARK}\u202egnp", f"{MARK}\r\nSet-Cookie: a=b", MARK * 30),
    "reason": _texts("", "  ", "ab", f"{MARK}\0", f"{MARK}\u202egnp", f"{MARK}\x1b", MARK * 63),
    "remark": _texts(f"{MARK}\0", f"{MARK}\u202egnp", f"{MARK}\x1b", MARK * 63),
    "crm": _texts("", MARK, "123456", "123456-XX", "12345678-SP", "-SP", "0-SP", "１２３-SP", "١٢٣٤٥٦-SP",
        "123456-SP\n", "123456–SP"),
    "cpf": _texts("", MARK, "1", "11111111111", "20000000100", *_CPFS),
    "email": _texts("", MARK, "a@b", "a b@example.com", "a@example.com\n", "a@exámple.com", "á@example.com",
        "a@@example.com", f"{'a' * 250}@b.co", '"a"@example.com\0', "<a@example.com>", "a@example.com,b@example.com"),
    "password": _texts("", "short", f"{MARK * 16}x", f"{MARK}{MARK}\0"),
    "zone": _texts("", MARK, "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "America/Sao_Paulo\0", "localtime",
        "Europe", "America/Sao_Paulo\n", "UTC+3"),
    "language": _texts("", MARK, "pt", "PT-BR", "en\0", "fr"),
    "specialty": _texts("", MARK, "Cardiology", "cardiology\0", "__class__"),
    "consent": _texts("", MARK, "telemedicine\0", "marketing"),
    "decision": _texts("", MARK, "APPROVE", "approved", "delete"),
    "weekday": _texts("", MARK, "Monday", "0", "segunda", "monday\0"),
    "clock": _texts("", MARK, "8:00", "24:05", "25:00", "08:60", "08:01", "08:00:00", "٠٨:٠٠", "０８:００", "-1:00",
        "08:00\n"),
    "date": _texts("", MARK, "2026-02-30", "2026-13-01", "0000-01-01", "01/02/2026", "2026-6-5", "٢٠٢٦-٠٦-٠٥",
        "20260605", "2026-06-05\n", "2026-W23-5"),
    "birth": _texts("", MARK, "1899-12-31", "2999-01-01", "2026-02-30", "0000-00-00", "٢٠٠٠-٠١-٠١"),
    "instant": _texts("", MARK, "2026-07-01T15:00:00", "2026-07-01", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "2026-07-01T15:00:00+99:99",
        "2026-07-01T24:30:00Z", "1782900000", "٢٠٢٦-٠٧-٠١T١٥:٠٠:٠٠Z", "2026-07-01T15:00:00Z\n",
        "2026-07-01T15:00:00Z\0", "now"),
    "id": _texts("", MARK + "/", "../../etc/passwd", "a\0", "a\n", "é", "٣", "x" * 65, "-a", "a b", "a%00"),
    "rev": (*_NO_NUMBER, "1.5", "1.0", "10000000000", "-10000000000", "1e2"),
    "score": (*_NO_NUMBER, "1.5", "1.0", "0", "6", "-1", "10000000000", "1e0"),
    "cents": (*_NO_NUMBER, "1.5", "-1", "10000000000", "1e2"),
    "minutes": (*_NO_NUMBER, "1.5", "-5", "7", "100000", "10000000000"),
    "notice": (*_NO_NUMBER, "1.5", "-5", "100000000", "10000000000"),
    "days": (*_NO_NUMBER, "1.5", "-1", "0", "367", "10000000000"),
    "latitude": (*_NO_NUMBER, "90.1", "-90.1", "1e300"),
    "longitude": (*_NO_NUMBER, "180.1", "-180.1", "1e300"),
    "flag": ("0", "1", '"true"', '"false"', '""', "{}", "[]", f'"{MARK}"'),
    "object": ("0", "true", '"x"', "[]", f'"{MARK}"', "[{}]", "{}", f'{{"<{MARK}>": 1}}'),
    "list": ("0", "true", f'"{MARK}"', "{}", f'["{MARK}"]', "[null]", "[[]]", "[{}]", f'[{",".join(["1"] * 1000)}]'),
    # What one signs in with may be any text: one that is none of a login is wrong, and not misshapen.
    "credential": (*_NO_TEXT,),
}  # fmt: skip
"""By kind of field; ``null`` is refused too wherever the contract does not say that it may be absent."""

FIELDS: Final[dict[str, str]] = {
    "name": "name", "crm": "crm", "cpf": "cpf", "email": "email", "password": "password", "new": "password",
    "specialties": "list", "specialties.0": "specialty", "location": "object", "location.lat": "latitude",
    "location.lon": "longitude", "address": "address", "time_zone": "zone", "price_cents": "cents",
    "language": "language", "birth_date": "birth", "consents": "list", "consents.0": "consent",
    "consents.1": "consent", "login": "credential", "refresh_token": "credential", "token": "credential",
    "current": "credential", "decision": "decision", "reason": "remark",
    "consultation_minutes": "minutes", "buffer_minutes": "minutes", "min_notice_minutes": "notice",
    "horizon_days": "days", "weekly": "list", "weekly.0": "object", "weekly.0.weekday": "weekday",
    "weekly.0.start": "clock", "weekly.0.end": "clock", "dates": "list", "dates.0": "object", "dates.0.date": "date",
    "dates.0.closed": "flag", "dates.0.start": "clock", "dates.0.end": "clock", "start": "instant", "end": "instant",
    "cancel_appointments": "flag", "doctor_id": "id", "rev": "rev", "proposal_id": "id", "score": "score",
    "comment": "remark",
}  # fmt: skip
"""What each field of a body holds, by its dotted path."""

MANDATORY_REASONS: Final = ("/cancel", "/verification", "/retry", "/compensate", "/resolve")
BODIES: Final[tuple[bytes, ...]] = (
    b"{", b"}", b"null", b"true", b"1", b'"x"', b"[]", b"[{}]", b"{}{}", b"{'a': 1}", b'{"a": 1,}', b"{a: 1}",
    b"// x\n{}",
    b"\0", b"{}\0", b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}", "{}".encode("utf-16"), "{}".encode("utf-32"),
    b"\xef\xbb\xbf{}",
    b'{"\xff": 1}', b'{"a": "\xc3\x28"}', b'{"a": "\xed\xa0\x80"}', b"<x/>", b"a=1&b=2",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"[" * 1000, b"[" * 500_000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"a": "x\ny"}', b"NaN", b"-", b"{} x",
)  # fmt: skip
"""What is no JSON object as we read them."""


def fields_of(body: Any, path: str = "") -> Iterable[str]:
    """The dotted paths of everything in a body."""
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in items:
        here = f"{path}.{name}" if path else str(name)
        yield here
        yield from fields_of(value, here)


def with_raw(body: Any, path: str, raw: str) -> str:
    """The body as JSON text, with that text in place of what stands at the path."""
    changed = json.loads(json.dumps(body))
    *outer, last = path.split(".")
    place = changed
    for name in outer:
        place = place[int(name) if isinstance(place, list) else name]
    place[int(last) if isinstance(place, list) else last] = "here it goes"
    return json.dumps(changed).replace('"here it goes"', raw)
