"""The visits of the clinic: both sides meet, in one room, or one of them does not come, and the patient rates it."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from telemed_core.application.visiting import Joined
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.ratings import Rating
from telemed_core.domain.receipts import Receipt
from telemed_core.testing.clinic_model import Visit
from telemed_core.testing.clinic_run import appointment_of
from telemed_core.testing.clinic_world import ChangingWorld, picks, processes, rarely
from telemed_core.testing.wiring import Clinic

sides = st.sampled_from(["doctor", "patient"])
scores = st.sampled_from([*range(1, 6)] * 2 + [0, 6])
comments = st.sampled_from([None, "a comment", " "])


def rating_of(clinic: Clinic, receipt: Receipt) -> Rating:
    return clinic.recall_rating(receipt)


class MeetingSides(ChangingWorld):
    """The rules of a visit itself."""

    def change(
        self,
        process: int,
        visit: Visit,
        outcome: Callable[[Visit], str | None],
        command: Callable[[Clinic, Idempotency], Appointment],
        *,
        lossy: bool = False,
        keyed: bool = True,
        first: str | None = None,
    ) -> None:
        """A command on one visit: what the model makes of it is what must be stored, or nothing is changed."""
        after = visit.by_now(self.now(process))
        expected = first or outcome(after)
        left = self.act(process, expected, command, recall=appointment_of, lossy=lossy, keyed=keyed)
        if left and after.rev != visit.by_now(self.now(process)).rev:
            self.visits[visit.id] = after

    def confirmed(self) -> list[Visit]:
        return [visit for visit in self.visits.values() if visit.status == "confirmed"]

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, side=sides, down=rarely)
    def join(self, process: int, pick: int, side: str, down: bool) -> None:
        self.joining(process, self.pick(pick), side, down=down)

    def joining(self, process: int, visit: Visit, side: str, *, down: bool = False) -> None:
        """``down``: while the provider of rooms does not answer; then nobody is present who was not."""

        def outcome(after: Visit) -> str | None:
            return after.join(side, self.now(process)) or ("dependency_unavailable" if down else None)

        def command(clinic: Clinic, _: Idempotency) -> Appointment:
            joined = clinic.join_visit(appointment_id=visit.id, actor=self.actor(visit, side))
            self.check_way(visit, side, joined)
            return joined.appointment

        self.rooms.down = down
        self.change(process, visit, outcome, command, keyed=False, first=self.unlicensed(visit, side))
        self.rooms.down = False

    def check_way(self, visit: Visit, side: str, joined: Joined) -> None:
        """One room for both until it dies, in which each side has one way of its own."""
        known, found = self.meetings.setdefault(visit.id, []), joined.room.id
        if not known or known[-1] in self.died:
            assert all(found not in meetings for meetings in self.meetings.values()), "a new room is a new one"
            known.append(found)
        kept = self.stores.meetings.of(visit.id)
        assert kept is not None
        assert (found, kept.id, kept.generation) == (known[-1], known[-1], len(known))
        ways = self.ways.setdefault(found, {})
        assert ways.setdefault(side, joined.attendee.id) == joined.attendee.id, "coming again is the same way"
        assert len({*ways.values()}) == len(ways), "nobody has the other's way"

    @precondition(lambda self: self.meetings)
    @rule(pick=picks)
    def a_room_dies(self, pick: int) -> None:
        met = [meetings[-1] for meetings in self.meetings.values()]
        self.died.add(met[pick % len(met)])
        self.rooms.die(met[pick % len(met)])

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, side=sides, lossy=rarely)
    def declare_absence(self, process: int, pick: int, side: str, lossy: bool) -> None:
        visit = self.pick(pick)
        self.change(
            process,
            visit,
            lambda after: after.declare_absence(side, self.now(process)),
            lambda clinic, key: clinic.declare_absence(
                appointment_id=visit.id, actor=self.actor(visit, side), idempotency=key
            ),
            lossy=lossy,
            first=self.unlicensed(visit, side),
        )

    @precondition(lambda self: any(visit.status == "in_progress" for visit in self.visits.values()))
    @rule(process=processes, pick=picks, lossy=rarely)
    def complete(self, process: int, pick: int, lossy: bool) -> None:
        self.completing(process, self.pick(pick), lossy=lossy)

    def completing(self, process: int, visit: Visit, *, lossy: bool = False) -> None:
        doctor = self.actor(visit, "doctor")
        assert isinstance(doctor, Doctor)
        self.change(
            process,
            visit,
            lambda after: after.complete(),
            lambda clinic, key: clinic.complete_visit(appointment_id=visit.id, doctor=doctor, idempotency=key),
            lossy=lossy,
            first=self.unlicensed(visit, "doctor"),
        )

    @precondition(lambda self: self.confirmed())
    @rule(process=processes, pick=picks, side=sides)
    def a_visit_begins(self, process: int, pick: int, side: str) -> None:
        visit = self.confirmed()[pick % len(self.confirmed())]
        self.clock.set(max(self.clock.now(), visit.start))
        self.joining(process, visit, side)

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, score=scores, comment=comments, lossy=rarely)
    def rate(self, process: int, pick: int, score: int, comment: str | None, lossy: bool) -> None:
        over = [visit for visit in self.visits.values() if visit.status in {"in_progress", "completed"}]
        visit = over[pick % len(over)] if over and pick % 5 else self.pick(pick)
        self.rating(process, visit, score, comment, lossy=lossy)

    def rating(self, process: int, visit: Visit, score: int, comment: str | None, *, lossy: bool = False) -> None:
        patient = self.actor(visit, "patient")
        assert isinstance(patient, Patient)
        expected = visit.by_now(self.now(process)).may_be_rated()
        expected = expected or (None if 1 <= score <= 5 else "invalid_request")
        expected = expected or ("already_rated" if visit.id in self.ratings else None)
        left = self.act(
            process,
            expected,
            lambda clinic, key: clinic.rate_visit(
                appointment_id=visit.id, patient=patient, score=score, comment=comment, idempotency=key
            ),
            recall=rating_of,
            lossy=lossy,
        )
        if left:
            written = comment if comment and comment.strip() else None
            assert (left.doctor_id, left.score, left.comment is None) == (visit.doctor, score, written is None)
            self.ratings[visit.id] = left
            self.comments[visit.id] = written

    @precondition(lambda self: self.next_visit())
    @rule(process=processes, score=scores)
    def a_visit_is_held(self, process: int, score: int) -> None:
        """From its start to its rating: so that doctors get more than one, which chance alone seldom gives them."""
        visit = self.next_visit()
        assert visit is not None
        self.clock.set(max(self.clock.now(), visit.start))
        for side in ("doctor", "patient"):
            self.joining(process, self.visits[visit.id], side)
        self.completing(process, self.visits[visit.id])
        self.rating(process, self.visits[visit.id], score, None)

    def next_visit(self) -> Visit | None:
        """The first that is still to come, or is just to begin."""
        ahead = [visit for visit in self.confirmed() if visit.end > self.clock.now() and self.approved[visit.doctor]]
        return min(ahead, key=lambda visit: visit.start, default=None)
