"""Appointments in memory that also plan every commit, run the plan on the interpreter, and compare the outcomes."""

from collections import Counter
from typing import Any

import attrs

from adapters.dynamodb.actions import Action, Item, flag, number, pair
from adapters.dynamodb.claims import owner_in
from adapters.dynamodb.items import appointment_key, event_key, head_key, ledger_key, quota_key, text_key
from adapters.dynamodb.plan import plan
from adapters.dynamodb.refusals import refusal
from adapters.dynamodb.saga_rows import load_row, row_key
from adapters.dynamodb.tables import TABLES
from adapters.memory import open_memory
from adapters.memory.appointments import MemoryAppointments
from adapters.serialization import load_appointment, load_event
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit
from telemed_core.domain.ids import AppointmentId, PersonId
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import CellsHeldError, TelemedError
from telemed_core.ports.storage import Stores
from unit.adapters.dynamodb_commits import seal
from unit.adapters.dynamodb_interpreter import Interpreter, assert_within_limits


@attrs.define
class Seen:
    """What was planned in a run: outcomes, the largest transaction, and how many owners were settled in one."""

    outcomes: Counter[str] = attrs.Factory(Counter)
    most_actions: int = 0
    most_appointments: int = 0


class PlannedAppointments:
    """``Appointments`` of a memory; ``apply`` does both and asserts that they agree."""

    def __init__(self, real: MemoryAppointments, seen: Seen) -> None:
        self._real, self._state, self._seen = real, real._state, seen
        self._store = Interpreter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        with self._state.lock:
            self._bring_heads_and_counters(commit)
            actions = plan(commit, command, seal=seal)
            assert_within_limits(actions)
            reasons = self._store.write(actions)
            planned = refusal(commit, command, actions, reasons) if reasons else None
            self._count(commit, actions, type(planned).__name__ if planned else "repeated" if reasons else "written")
            left, refused = self._by_memory(commit, command)
            assert _told(planned) == _told(refused)
            if refused:
                raise refused
            if reasons is None:
                self._compare(commit)
            return left

    def _by_memory(self, commit: Commit, command: Command) -> tuple[Appointment, TelemedError | ReplayedCommand | None]:
        try:
            return self._real.apply(commit, command=command), None
        except (TelemedError, ReplayedCommand) as refused:
            return commit.after, refused

    def _count(self, commit: Commit, actions: tuple[Action, ...], outcome: str) -> None:
        self._seen.outcomes[outcome] += 1
        self._seen.most_actions = max(self._seen.most_actions, len(actions))
        self._seen.most_appointments = max(self._seen.most_appointments, len(commit.appointments))

    def _item(self, key: Item, table: str = TABLES.scheduling.name) -> dict[str, Any]:
        return self._store.items.get((table, pair(key)), {})

    def _bring_heads_and_counters(self, commit: Commit) -> None:
        """What other commits than those of appointments write: as memory has it."""
        table = TABLES.scheduling.name
        for guard in commit.guards:
            schedule, key = self._state.schedules[guard.doctor_id], head_key(guard.doctor_id)
            head = {"rev": number(schedule.rev), "bookable": flag(value=schedule.bookable)}
            self._store.items[table, pair(key)] = {**key, **head}
        for change in commit.quotas:
            quota, key = self._state.quotas.get(change.person_id), quota_key(change.person_id)
            if quota:
                none = {**key, "pending": number(0), "live": number(0)}
                counters = self._store.items.setdefault((table, pair(key)), none)
                counters["active"] = flag(value=quota.open)

    def _compare(self, commit: Commit) -> None:
        for change in commit.appointments:
            item = self._item(appointment_key(change.after.id))
            assert load_appointment(item["body"]["S"]) == attrs.evolve(change.after, history=None)
            self._compare_claims(change.after.doctor_person)
            self._compare_claims(change.after.patient_person)
        for event in commit.events:
            assert load_event(self._item(event_key(event.appointment_id, event.seq))["body"]["S"]) == event
        for counted in commit.quotas:
            quota, item = self._state.quotas[counted.person_id], self._item(quota_key(counted.person_id))
            assert (int(item["pending"]["N"]), int(item["live"]["N"])) == (quota.pending, quota.live)
        for written in commit.texts:
            assert self._item(text_key(written.key), TABLES.clinical.name)["sealed"]["B"] == seal(written)
        for saga in commit.sagas:
            assert load_row(self._item(row_key(saga.id))) == self._state.sagas[saga.id]

    def _compare_claims(self, person: PersonId) -> None:
        held = self._state.claims.get(person, {})
        assert {
            cell: AppointmentId(owner)
            for cell in held
            if (owner := owner_in(self._item(ledger_key(person, cell)), cell))
        } == held
        days = [item for (_, (key, _)), item in self._store.items.items() if key == f"AG#{person}"]
        assert sum(name.startswith("k") for day in days for name in day) == len(held)


def _told(outcome: object) -> object:
    """What a caller can tell two outcomes apart by."""
    if isinstance(outcome, CellsHeldError):
        return type(outcome), outcome.owners
    return (type(outcome), outcome.receipt) if isinstance(outcome, ReplayedCommand) else type(outcome)


def open_planned(seen: Seen) -> Stores:
    """The stores of a memory whose appointments are planned for DynamoDB too."""
    stores = open_memory()
    assert isinstance(stores.appointments, MemoryAppointments)
    return attrs.evolve(stores, appointments=PlannedAppointments(stores.appointments, seen))
