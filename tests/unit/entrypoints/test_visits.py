"""Visits over the API: who is let in and when, how they end, and what is thought of them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from dependency_injector import providers

from telemed_core.domain.ids import DoctorId
from telemed_core.domain.ratings import RatingSum
from telemed_core.domain.texts import TextKey
from telemed_core.testing.builders import a_crm, an_email
from telemed_core.testing.rooms import ControlledRooms
from unit.entrypoints.api import MONDAY, Clinic, Reply, a_clinic, doctor_body

START = MONDAY + timedelta(days=2, hours=3)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rooms() -> ControlledRooms:
    return ControlledRooms()


@pytest.fixture
def clinic(rooms: ControlledRooms) -> Iterator[Clinic]:
    with a_clinic() as made:
        made.container.meeting_rooms.override(providers.Object(rooms))
        yield made


@attrs.frozen
class Visit:
    """A confirmed visit, and its two sides."""

    clinic: Clinic
    id: str
    doctor_id: str

    @property
    def doctor(self) -> str:
        return self.clinic.sign_in(str(a_crm(1)))

    @property
    def patient(self) -> str:
        return self.clinic.sign_in(str(an_email(1)))

    def act(self, action: str, token: str, body: Any = None, **headers: str) -> Reply:
        return self.clinic.call("POST", f"/v1/appointments/{self.id}/{action}", body, token=token, **headers)

    def done(self, action: str, token: str, body: Any = None) -> Any:
        reply = self.act(action, token, body)
        assert reply.status in {200, 201}, reply.raw
        return reply.body

    def shown(self) -> Any:
        return self.clinic.call("GET", f"/v1/appointments/{self.id}", token=self.patient).body

    def at(self, instant: datetime) -> "Visit":
        self.clinic.clock.set(instant)
        return self

    def begun(self, at: datetime = START) -> "Visit":
        self.at(at)
        self.done("join", self.patient)
        self.done("join", self.doctor)
        return self

    def completed(self, at: datetime = START) -> "Visit":
        self.begun(at).done("complete", self.doctor)
        return self


@pytest.fixture
def visit(clinic: Clinic) -> Visit:
    doctor_id, doctor = clinic.doctor(administrator=clinic.administrator())
    _, patient = clinic.patient()
    return confirmed(clinic, doctor_id, doctor, patient, START)


def confirmed(clinic: Clinic, doctor_id: str, doctor: str, patient: str, start: datetime) -> Visit:
    body = {"doctor_id": doctor_id, "start": start.isoformat()}
    asked = clinic.call("POST", "/v1/appointments", body, token=patient)
    assert asked.status == 201, asked.raw
    made = Visit(clinic, asked.body["id"], doctor_id)
    made.done("accept", doctor, {"rev": 1})
    return made


class TestJoining:
    def test_both_sides_get_the_same_meeting_and_each_a_way_in_of_its_own(self, visit: Visit) -> None:
        visit.at(START - 10 * MINUTE)
        first, second = visit.done("join", visit.patient), visit.done("join", visit.doctor)
        assert first["meeting"] == second["meeting"]
        assert first["attendee"]["id"] != second["attendee"]["id"]
        window = {name: first[name] for name in ("provider", "opens_at", "closes_at")}
        assert window == {
            "provider": "memory",
            "opens_at": "2026-06-03T14:50:00Z",
            "closes_at": "2026-06-03T16:00:00Z",
        }
        assert window.items() <= second.items()
        assert visit.shown()["status"] == "in_progress"
        assert [one["event"] for one in visit.shown()["history"]][-3:] == ["joined", "joined", "started"]

    def test_coming_again_answers_the_same_and_writes_nothing_down(self, visit: Visit) -> None:
        visit.begun()
        before = visit.shown()
        assert visit.done("join", visit.patient) == visit.done("join", visit.patient)
        assert visit.shown() == before

    @pytest.mark.parametrize("at", [START - 10 * MINUTE - timedelta(microseconds=1), START + 60 * MINUTE])
    def test_outside_the_window_the_answer_says_when_it_opens(self, visit: Visit, at: datetime) -> None:
        reply = visit.at(at).act("join", visit.patient)
        assert (reply.status, reply.code, reply.body["opens_at"]) == (409, "join_window_closed", "2026-06-03T14:50:00Z")

    def test_after_the_end_it_is_closed_and_no_other_refusal_says_when_it_opens(self, visit: Visit) -> None:
        reply = visit.completed().act("join", visit.doctor)
        assert (reply.code, reply.body["opens_at"]) == ("join_window_closed", "2026-06-03T14:50:00Z")
        other = visit.act("complete", visit.doctor)
        assert (other.code, "opens_at" in other.body) == ("invalid_transition", False)

    def test_a_key_is_not_read(self, visit: Visit) -> None:
        visit.at(START)
        first = visit.act("join", visit.patient, idempotency_key="k" * 129)
        again = visit.act("join", visit.patient, idempotency_key="k" * 129)
        assert (first.status, again.status, again.raw) == (200, 200, first.raw)
        assert "Idempotency-Replayed" not in again.headers

    def test_without_a_room_nobody_is_present(self, visit: Visit, rooms: ControlledRooms) -> None:
        visit.at(START)
        before = visit.shown()
        rooms.down = True
        reply = visit.act("join", visit.patient)
        assert (reply.status, reply.code) == (503, "dependency_unavailable")
        assert visit.shown() == before
        rooms.down = False
        visit.done("join", visit.patient)

    def test_a_meeting_that_has_died_is_made_anew(self, visit: Visit, rooms: ControlledRooms) -> None:
        visit.begun()
        first = visit.done("join", visit.patient)
        rooms.die(first["meeting"]["id"])
        later = [visit.done("join", token) for token in (visit.patient, visit.doctor)]
        assert first["meeting"] != later[0]["meeting"] == later[1]["meeting"]


class TestEnding:
    def test_the_doctor_completes_and_a_repeat_is_answered_as_it_was(self, visit: Visit) -> None:
        visit.begun()
        assert visit.act("complete", visit.patient).code == "forbidden"
        first = visit.act("complete", visit.doctor, idempotency_key="k")
        assert (first.status, first.body["status"], first.body["join_url"]) == (200, "completed", None)
        again = visit.act("complete", visit.doctor, idempotency_key="k")
        assert (again.raw, again.headers["Idempotency-Replayed"]) == (first.raw, "true")
        assert visit.act("complete", visit.doctor).code == "invalid_transition"

    @pytest.mark.parametrize("side", ["doctor", "patient"])
    def test_who_has_come_says_that_the_other_has_not(self, visit: Visit, side: str) -> None:
        visit.at(START).done("join", getattr(visit, side))
        assert visit.at(START + 14 * MINUTE).act("absence", getattr(visit, side), {}).code == "too_early"
        visit.at(START + 15 * MINUTE)
        other = visit.doctor if side == "patient" else visit.patient
        assert visit.act("absence", other, {}).code == "not_present"
        first = visit.act("absence", getattr(visit, side), {}, idempotency_key="k")
        assert (first.status, first.body["status"]) == (200, "no_show")
        assert first.body["absent"] == ("patient" if side == "doctor" else "doctor")
        again = visit.act("absence", getattr(visit, side), {}, idempotency_key="k")
        assert (again.raw, again.headers["Idempotency-Replayed"]) == (first.raw, "true")
        assert visit.act("absence", getattr(visit, side), {}).code == "invalid_transition"

    def test_an_absence_is_declared_with_or_without_a_body(self, visit: Visit) -> None:
        visit.at(START).done("join", visit.patient)
        visit.at(START + 15 * MINUTE)
        assert visit.act("absence", visit.patient, {"reason": "late"}).body["errors"][0]["field"] == "reason"
        assert visit.done("absence", visit.patient)["status"] == "no_show"


class TestRating:
    def test_a_visit_is_rated_once_and_a_repeat_is_answered_as_it_was(self, visit: Visit) -> None:
        visit.completed()
        body = {"score": 4, "comment": "  Took her time. "}
        first = visit.act("rating", visit.patient, body, idempotency_key="k")
        assert (first.status, first.body) == (
            201, {"score": 4, "comment": "Took her time.", "created_at": "2026-06-03T15:00:00Z"},
        )  # fmt: skip
        visit.at(START + 5 * MINUTE)
        again = visit.act("rating", visit.patient, body, idempotency_key="k")
        assert (again.status, again.raw, again.headers["Idempotency-Replayed"]) == (201, first.raw, "true")
        twice = visit.act("rating", visit.patient, {"score": 4})
        assert (twice.status, twice.code) == (409, "already_rated")
        other = visit.act("rating", visit.patient, {"score": 5}, idempotency_key="k")
        assert (other.status, other.code) == (422, "idempotency_key_reused")

    @pytest.mark.parametrize("comment", [None, "", "   "])
    def test_a_comment_may_be_left_out(self, visit: Visit, comment: str | None) -> None:
        body = {"score": 1} if comment is None else {"score": 1, "comment": comment}
        assert visit.completed().done("rating", visit.patient, body)["comment"] is None

    def test_only_the_patient_rates_and_only_what_was_completed(self, visit: Visit) -> None:
        visit.begun()
        early = visit.act("rating", visit.patient, {"score": 5})
        assert (early.status, early.code) == (409, "invalid_transition")
        visit.done("complete", visit.doctor)
        assert visit.act("rating", visit.doctor, {"score": 5}).code == "forbidden"
        _, stranger = visit.clinic.patient(2)
        assert visit.act("rating", stranger, {"score": 5}).code == "not_found"
        assert visit.act("rating", visit.patient, {"score": 6}).body["errors"][0]["field"] == "score"
        visit.done("rating", visit.patient, {"score": 5})

    def test_everybody_reads_ratings_newest_first_without_whose_they_are(self, clinic: Clinic, visit: Visit) -> None:
        rate_all(visit, [5, 3, 4], comments=["one", None, "three"])
        url = f"/v1/doctors/{visit.doctor_id}/ratings"
        for token in (visit.patient, visit.doctor, administrator(clinic)):
            first = clinic.call("GET", f"{url}?limit=2", token=token).body
            second = clinic.call("GET", f"{url}?limit=2&cursor={first['next_cursor']}", token=token).body
            found = first["items"] + second["items"]
            assert [(one["score"], one["comment"]) for one in found] == [(4, "three"), (3, None), (5, "one")]
            assert {frozenset(one) for one in found} == {frozenset({"score", "comment", "created_at"})}
            assert (len(first["items"]), second["next_cursor"]) == (2, None)

    def test_pages_of_ratings_lose_and_repeat_none_that_were_given_in_one_instant(
        self, clinic: Clinic, visit: Visit
    ) -> None:
        visits = [visit.completed()]
        for hour in (3, 6):
            later = START + timedelta(hours=hour)
            visits.append(confirmed(clinic, visit.doctor_id, visit.doctor, visit.patient, later).completed(later))
        clinic.clock.set(START + timedelta(hours=6, microseconds=5))
        for score, one in enumerate(visits, 1):
            one.done("rating", visit.patient, {"score": score})
        url = f"/v1/doctors/{visit.doctor_id}/ratings?limit=1"
        found, cursor = [], ""
        while cursor is not None:
            page = clinic.call("GET", f"{url}{cursor and f'&cursor={cursor}'}", token=visit.patient).body
            found += [one["score"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert sorted(found) == [1, 2, 3]

    def test_ratings_of_a_doctor_who_is_not_approved_are_hidden(self, clinic: Clinic, visit: Visit) -> None:
        visit.completed().done("rating", visit.patient, {"score": 5})
        url, body = f"/v1/doctors/{visit.doctor_id}", {"decision": "suspend", "reason": "expired"}
        assert clinic.call("POST", f"{url}/verification", body, token=administrator(clinic)).status == 200
        assert clinic.call("GET", f"{url}/ratings", token=visit.patient).code == "not_found"
        for token in (visit.doctor, administrator(clinic)):
            assert len(clinic.call("GET", f"{url}/ratings", token=token).body["items"]) == 1
        assert clinic.call("GET", "/v1/doctors/nobody/ratings", token=visit.patient).code == "not_found"

    def test_a_doctor_has_the_average_wherever_they_are_shown(self, clinic: Clinic, visit: Visit) -> None:
        rate_all(visit, [5, 4, 4])
        url, root = f"/v1/doctors/{visit.doctor_id}", administrator(clinic)
        shown = [
            clinic.call("GET", url, token=visit.patient).body,
            clinic.call("GET", url, token=visit.doctor).body,
            clinic.call("GET", "/v1/me", token=visit.doctor).body,
            clinic.call("PATCH", "/v1/me", {"language": "en"}, token=visit.doctor).body,
            *clinic.call("GET", "/v1/doctors", token=visit.patient).body["items"],
            *clinic.call("GET", "/v1/admin/doctors", token=root).body["items"],
        ]
        decision = {"decision": "suspend", "reason": "expired"}
        for _ in range(2):
            reply = clinic.call("POST", f"{url}/verification", decision, token=root, idempotency_key="k")
            shown.append(reply.body)
        assert [one["rating"] for one in shown] == [{"average": 13 / 3, "count": 3}] * 8

    def test_each_answer_reads_ratings_and_comments_once(self, clinic: Clinic, visit: Visit) -> None:
        for number in (2, 3):
            clinic.doctor(number, administrator=administrator(clinic))
        rate_all(visit, [5, 4], comments=["one", "two"])
        root = administrator(clinic)
        counted = Counted(clinic.container.stores().ratings, clinic.container.texts())
        clinic.container.ratings.override(providers.Object(counted))
        clinic.container.texts.override(providers.Object(counted))
        for provider in (clinic.container.sum_ratings, clinic.container.list_ratings, clinic.container.read_comments):
            provider.reset()
        for url in ("/v1/doctors", "/v1/admin/doctors"):
            assert len(clinic.call("GET", url, token=root).body["items"]) == 3
        assert counted.calls == ["sums", "sums"]
        clinic.call("GET", f"/v1/doctors/{visit.doctor_id}/ratings", token=root)
        assert counted.calls == ["sums", "sums", "list", "read"]
        clinic.call("POST", "/v1/doctors", doctor_body(4))
        for token in (root, visit.patient):
            clinic.call("GET", "/v1/me", token=token)
        assert len(counted.calls) == 4


@attrs.frozen
class Counted:
    """Ratings and texts whose reads are counted."""

    ratings: Any
    texts: Any
    calls: list[str] = attrs.Factory(list)

    def sums(self, doctor_ids: Collection[DoctorId], /) -> Mapping[DoctorId, RatingSum]:
        self.calls.append("sums")
        found: Mapping[DoctorId, RatingSum] = self.ratings.sums(doctor_ids)
        return found

    def list(self, doctor_id: DoctorId, /, **page: Any) -> Any:
        self.calls.append("list")
        return self.ratings.list(doctor_id, **page)

    def read(self, keys: Collection[TextKey], /) -> Mapping[TextKey, str]:
        self.calls.append("read")
        found: Mapping[TextKey, str] = self.texts.read(keys)
        return found


def administrator(clinic: Clinic) -> str:
    return clinic.sign_in(str(an_email(1, of="administrator")))


def rate_all(visit: Visit, scores: list[int], comments: list[str | None] | None = None) -> None:
    """So many visits, one a day, each completed and rated."""
    for day, score in enumerate(scores):
        visit.clinic.clock.set(MONDAY + timedelta(days=1 + day))
        start = visit.clinic.clock.now() + timedelta(hours=20)
        one = confirmed(visit.clinic, visit.doctor_id, visit.doctor, visit.patient, start)
        one.at(start)
        for token in (one.patient, one.doctor):
            one.done("join", token)
        one.done("complete", one.doctor)
        comment = comments[day] if comments else None
        one.done("rating", one.patient, {"score": score} if comment is None else {"score": score, "comment": comment})
