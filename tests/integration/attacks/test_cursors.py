"""A10: lists, counts, filters and cursors show one's own alone; a cursor is good for one list of one user."""

import base64
from urllib.parse import quote

import pytest

from integration.attacks.clinic import Beside, Clinic, pages
from integration.attacks.raw import check_problem, send
from integration.attacks.surface import NOBODY
from integration.http.people import Person

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def doctor(clinic: Clinic) -> Person:
    """One who has the appointments of this module alone."""
    return clinic.doctor()


@pytest.fixture(scope="module")
def two(clinic: Clinic, doctor: Person) -> list[tuple[Person, list[str]]]:
    """Two patients of the doctor, each with three appointments, by start; one of another doctor stands between."""
    found = []
    for person in clinic.patients(2):
        made = [clinic.requested(person, doctor), clinic.confirmed(person, doctor), clinic.cancelled(person, doctor)]
        found.append((person, [one["id"] for one in made]))
        clinic.confirmed(clinic.patient(), clinic.bruno)
    return found


def _cursor(person: Person, target: str) -> str:
    """Of the second page."""
    found = person.client.get(target, limit=1).expect(200)["next_cursor"]
    assert isinstance(found, str)
    return found


def test_a10_each_side_lists_its_own_and_nothing_else(
    clinic: Clinic, doctor: Person, two: list[tuple[Person, list[str]]]
) -> None:
    for person, ids in two:
        for limit in (1, 2, 100):
            assert [one["id"] for one in pages(person, "/v1/appointments", limit=limit)] == ids
    assert [one["id"] for one in pages(doctor, "/v1/appointments", limit=2)] == [id for _, ids in two for id in ids]
    assert list(pages(clinic.patient(), "/v1/appointments")) == []


def test_a10_no_filter_shows_what_is_anothers(clinic: Clinic, two: list[tuple[Person, list[str]]]) -> None:
    (one, ids), (_, theirs) = two
    statuses = ["requested", "confirmed", "in_progress", "refused", "expired", "cancelled", "no_show", "completed"]
    found = list(pages(one, "/v1/appointments", status=statuses, limit=1))
    assert [appointment["id"] for appointment in found] == ids
    assert {appointment["status"] for appointment in found} == {"requested", "confirmed", "cancelled"}
    around = {"from": "2026-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"}
    assert not {appointment["id"] for appointment in pages(one, "/v1/appointments", **around)} & set(theirs)
    by_status = [appointment["id"] for appointment in pages(one, "/v1/appointments", status="confirmed")]
    assert by_status == [ids[1]]


def test_a10_a_list_says_no_more_of_others_than_that_they_take_time(
    clinic: Clinic, doctor: Person, two: list[tuple[Person, list[str]]]
) -> None:
    (one, ids), _ = two
    taken = one.client.get(f"/v1/appointments/{ids[1]}").expect(200)
    day = {"from": taken["start"], "to": taken["end"]}
    seen = clinic.patient().client.get(f"/v1/doctors/{doctor.id}/slots", **day)
    assert seen.expect(200) == {"items": [], "time_zone": "UTC", "price_cents": 25_000}


def test_a10_a_cursor_of_another_user_is_refused(
    clinic: Clinic, doctor: Person, two: list[tuple[Person, list[str]]]
) -> None:
    (one, _), (other, _) = two
    cursor = _cursor(one, "/v1/appointments")
    for person in (other, doctor, clinic.patient()):
        found = send(person.client, "GET", f"/v1/appointments?limit=1&cursor={cursor}")
        check_problem(found, 422, "invalid_cursor", field="cursor")
    assert send(one.client, "GET", f"/v1/appointments?limit=1&cursor={cursor}").status == 200
    assert send(one.again().client, "GET", f"/v1/appointments?limit=1&cursor={cursor}").status == 200


def test_a10_a_cursor_of_another_list_is_refused(clinic: Clinic, doctor: Person) -> None:
    clinic.confirmed(clinic.patient(), doctor)
    clinic.confirmed(clinic.patient(), doctor)
    for hour in range(2):
        block = {"start": f"2027-05-02T0{hour}:00:00Z", "end": f"2027-05-02T0{hour}:30:00Z"}
        doctor.client.post("/v1/agenda/blocks", block).expect(201)
    lists = {path: _cursor(doctor, path) for path in ("/v1/appointments", "/v1/agenda/blocks", "/v1/doctors")}
    for path in lists:
        for source, cursor in lists.items():
            found = send(doctor.client, "GET", f"{path}?limit=1&cursor={cursor}")
            if source == path:
                assert found.status == 200
            else:
                check_problem(found, 422, "invalid_cursor", field="cursor")


def test_a10_each_ones_notices_are_listed_to_them_alone_and_so_are_their_cursors(
    clinic: Clinic, doctor: Person, two: list[tuple[Person, list[str]]]
) -> None:
    cursors = []
    for person in (doctor, *clinic.patients(2)):
        for _ in range(2):
            made = clinic.confirmed(clinic.patient() if person is doctor else person, doctor)
            clinic.notice(person, made["id"])
        own = {one["id"] for one in pages(person, "/v1/appointments", limit=100)}
        listed = list(pages(person, "/v1/notifications", limit=1))
        assert len({one["id"] for one in listed}) == len(listed) >= 2
        assert {one["appointment_id"] for one in listed} - {None} <= own
        cursors.append((person, _cursor(person, "/v1/notifications")))
    for owner, cursor in cursors:
        for person, _ in cursors:
            found = send(person.client, "GET", f"/v1/notifications?limit=1&cursor={cursor}")
            if person is owner:
                assert found.status == 200
            else:
                check_problem(found, 422, "invalid_cursor", field="cursor")
    check_problem(send(doctor.client, "GET", f"/v1/appointments?cursor={cursors[0][1]}"), 422, "invalid_cursor")


@pytest.mark.parametrize(
    ("path", "query"), [("/v1/admin/sagas", "phase=completed"), ("/v1/admin/notifications", "status=delivered")]
)
def test_a10_the_logs_of_administrators_are_read_with_cursors_of_their_own(
    clinic: Clinic, doctor: Person, two: list[tuple[Person, list[str]]], path: str, query: str
) -> None:
    root = clinic.administrator
    clinic.notice(two[0][0], two[0][1][1])
    cursor = _cursor(root, path)
    assert send(root.client, "GET", f"{path}?limit=1&cursor={cursor}").status == 200
    for other in (f"{path}?{query}&limit=1", "/v1/admin/doctors?limit=1"):
        check_problem(send(root.client, "GET", f"{other}&cursor={cursor}"), 422, "invalid_cursor", field="cursor")
    for person in (doctor, two[0][0]):
        check_problem(send(person.client, "GET", f"{path}?cursor={cursor}"), 403, "forbidden")


def test_a10_a_cursor_of_another_query_is_refused(clinic: Clinic, two: list[tuple[Person, list[str]]]) -> None:
    (one, _), _ = two
    cursor = _cursor(one, "/v1/appointments")
    for query in ("status=requested", "from=2026-01-01T00:00:00Z", "to=2027-01-01T00:00:00Z"):
        found = send(one.client, "GET", f"/v1/appointments?{query}&limit=1&cursor={cursor}")
        check_problem(found, 422, "invalid_cursor", field="cursor")
    queue = clinic.administrator
    cursor = _cursor(queue, "/v1/admin/doctors")
    assert send(queue.client, "GET", f"/v1/admin/doctors?limit=1&cursor={cursor}").status == 200
    found = send(queue.client, "GET", f"/v1/admin/doctors?status=approved&limit=1&cursor={cursor}")
    check_problem(found, 422, "invalid_cursor", field="cursor")


def test_a10_a_cursor_with_any_character_changed_is_refused(two: list[tuple[Person, list[str]]]) -> None:
    (one, _), _ = two
    cursor = _cursor(one, "/v1/appointments")
    changed = [
        f"{cursor[:at]}{ALPHABET[ALPHABET.index(cursor[at]) ^ flip]}{cursor[at + 1 :]}"
        for at in range(len(cursor))
        for flip in (1, 32)
    ]
    others = [
        "",
        "x",
        cursor[1:],
        cursor[:-1],
        f"{cursor}A",
        f"{cursor}=",
        f"{cursor}\n",
        cursor * 2,
        "A" * 4096,
        "٣",
        "\0",
    ]
    assert len(set(changed)) == 2 * len(cursor)
    for text in changed + others:
        found = send(one.client, "GET", f"/v1/appointments?limit=1&cursor={quote(text)}")
        check_problem(found, 422, "invalid_cursor", field="cursor")


def test_a10_a_cursor_a_day_old_is_refused(
    clinic: Clinic, a_day_later: Beside, two: list[tuple[Person, list[str]]]
) -> None:
    (one, ids), _ = two
    cursor = _cursor(one, "/v1/appointments")
    later = a_day_later.there(one)
    check_problem(send(later.client, "GET", f"/v1/appointments?limit=1&cursor={cursor}"), 422, "invalid_cursor")
    fresh = _cursor(later, "/v1/appointments")
    page = send(later.client, "GET", f"/v1/appointments?limit=1&cursor={fresh}").json
    assert [one["id"] for one in page["items"]] == [ids[1]]
    # One from the other clock's future is none of this clock's.
    check_problem(send(one.client, "GET", f"/v1/appointments?limit=1&cursor={fresh}"), 422, "invalid_cursor")


def test_a10_a_cursor_says_nothing_to_whoever_reads_it(two: list[tuple[Person, list[str]]]) -> None:
    (one, ids), _ = two
    cursor = _cursor(one, "/v1/appointments")
    plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    start = one.client.get(f"/v1/appointments/{ids[0]}").expect(200)["start"]
    for said in (ids[0], one.id, start[:10]):
        assert said.encode() not in plain


def test_a10_the_queue_of_registrations_is_for_administrators(clinic: Clinic, doctor: Person) -> None:
    cursor = _cursor(clinic.administrator, "/v1/admin/doctors")
    for person in (doctor, clinic.patient()):
        check_problem(send(person.client, "GET", f"/v1/admin/doctors?cursor={cursor}"), 403, "forbidden")
    nobody = Person(NOBODY, NOBODY, clinic.nobody)
    check_problem(send(nobody.client, "GET", f"/v1/admin/doctors?cursor={cursor}"), 401, "unauthenticated")
