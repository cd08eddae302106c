"""Doctors on DynamoDB: the directory in which they are found, and decisions on their registration."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo, Query, Refused, Terms
from adapters.dynamodb.actions import Action, Item, key, number, pair, text
from adapters.dynamodb.blocks import live_of
from adapters.dynamodb.items import ITSELF
from adapters.dynamodb.leaving import check_receipt, receipt_actions, text_actions
from adapters.dynamodb.plan import request_token
from adapters.dynamodb.profiles import account_key, change_action, load_account
from adapters.dynamodb.records import sealed_by
from adapters.dynamodb.saga_rows import start_actions
from adapters.dynamodb.schedules import read_schedule, schedule_actions
from adapters.dynamodb.settling import IS_NEW, act, commit, number_in
from adapters.serialization import dump_affected, dump_profile, instant_of, load_affected, microseconds
from telemed_core.domain.commit import Command
from telemed_core.domain.doctor import Doctor, DoctorStatus, Verification
from telemed_core.domain.ids import AppointmentId, DoctorId, PersonId
from telemed_core.domain.people import name_words
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import BusyError, NotFoundError, StaleVersionError
from telemed_core.ports.services import Sealing

_DOCTORS: Final = "DOCTORS"
_QUEUE: Final = "QUEUE"
_BEHIND_ALL: Final = 10**18
"""Microseconds since 1970 that no registration has; counted back from them, the last comes first."""
_DECISIONS: Final = "DEC#"
_IS_NEW_TO_IT: Final = "attribute_exists(PK) AND attribute_not_exists(affected)"


def card_actions(table: str, before: Doctor | None, after: Doctor) -> Iterator[Action]:
    """Enter a doctor who was found by what ``before`` says (``None``: in no way) under what ``after`` says."""
    for entry in (_card, _queued):
        if before is None or entry(before) != entry(after):
            yield act("Put", table, Item=entry(after))


def _card(doctor: Doctor) -> Item:
    return {
        **key(_DOCTORS, doctor.id),
        "standing": text(doctor.status.value),
        "specialties": text(" ".join(doctor.specialties)),
        "words": text(" ".join(sorted(name_words(doctor.name)))),
    }


def _queued(doctor: Doctor) -> Item:
    return {
        **key(_QUEUE, _place(doctor.registered_at, doctor.id)),
        "doctor": text(doctor.id),
        "standing": text(doctor.status.value),
    }


def _place(registered_at: datetime, doctor_id: DoctorId) -> str:
    return f"{_BEHIND_ALL - microseconds(registered_at):019}#{doctor_id}"


@attrs.frozen
class DynamoDoctors:
    """Doctors on DynamoDB."""

    _dynamo: Dynamo
    _sealing: Sealing
    _patience: Patience = attrs.field(factory=Patience)

    def get(self, doctor_id: DoctorId, /) -> Doctor:
        account = load_account(self._dynamo.get(self._dynamo.tables.accounts, account_key(doctor_id)), self._sealing)
        if not isinstance(account, Doctor):
            raise NotFoundError
        return account

    def list(
        self,
        *,
        status: DoctorStatus | None = None,
        specialty: Specialty | None = None,
        name: str | None = None,
        after: DoctorId | None = None,
        limit: int,
    ) -> Sequence[Doctor]:
        wanted = name_words(name or "")

        def fits(card: Item) -> bool:
            words = _said(card, "words")
            return (
                (status is None or _said(card, "standing") == [status.value])
                and (specialty is None or specialty.value in _said(card, "specialties"))
                and all(any(word.startswith(start) for word in words) for start in wanted)
            )

        asked = Query(
            table=self._dynamo.tables.directory,
            partition=_DOCTORS,
            after=None if after is None else key(_DOCTORS, after),
            most=limit if status is None and specialty is None and not wanted else None,
        )
        cards = self._dynamo.query(asked)
        named = (DoctorId(pair(card)[1]) for card in cards if fits(card))
        return self._found(named, lambda doctor: fits(_card(doctor)), limit)

    def queue(
        self, *, status: DoctorStatus | None = None, after: tuple[datetime, DoctorId] | None = None, limit: int
    ) -> Sequence[Doctor]:
        asked = Query(
            table=self._dynamo.tables.directory,
            partition=_QUEUE,
            after=None if after is None else key(_QUEUE, _place(*after)),
            most=limit if status is None else None,
        )
        queued = self._dynamo.query(asked)
        named = (
            DoctorId(str(one["doctor"]["S"]))
            for one in queued
            if status is None or one["standing"]["S"] == status.value
        )
        return self._found(named, lambda doctor: status in {None, doctor.status}, limit)

    def _found(self, named: Iterator[DoctorId], fits: Callable[[Doctor], bool], limit: int) -> Sequence[Doctor]:
        """The first of those named, as they are now: what the directory says of one may have changed since."""
        found: list[Doctor] = []
        while some := [*islice(named, limit - len(found))]:
            items = self._dynamo.batch_get(self._dynamo.tables.accounts, map(account_key, some))
            accounts = (load_account(items.get(pair(account_key(one))), self._sealing) for one in some)
            found += (one for one in accounts if isinstance(one, Doctor) and fits(one))
        return found

    def apply(self, verification: Verification, /, *, command: Command) -> Sequence[AppointmentId]:
        return self._patience(partial(self._apply, verification, command), repeatable=False)

    def _apply(self, verification: Verification, command: Command) -> Sequence[AppointmentId]:
        doctor = verification.after
        schedule = read_schedule(self._dynamo, doctor.id)
        if schedule is None:
            raise StaleVersionError
        decision = _decision(doctor, command)
        change = change_action(self._dynamo.tables.accounts.name, verification.before, doctor, self._sealing)
        scheduling, directory = self._dynamo.tables.scheduling.name, self._dynamo.tables.directory.name
        opened = schedule.opened(bookable=doctor.approved)
        actions = (
            *receipt_actions(scheduling, command, subject=doctor.id, rev=doctor.rev),
            act("Put", self._dynamo.tables.accounts.name, Item=decision, ConditionExpression=IS_NEW),
            change,
            *schedule_actions(scheduling, opened, before=schedule.rev, command_id=command.id),
            *card_actions(directory, verification.before, doctor),
            *text_actions(self._dynamo.tables.clinical.name, verification.texts, sealed_by(self._sealing)),
            *start_actions(scheduling, (verification.saga,), at=command.at),
        )
        refused = commit(self._dynamo, actions, token=request_token(command, actions))
        if not refused:
            return self._affected_by(decision, doctor.person_id)
        check_receipt(command, refused)
        made = refused.get(pair(decision)) or self._dynamo.get(self._dynamo.tables.accounts, _decision_key(doctor))
        if made and made["command"]["S"] == command.id:
            return self._affected_by(made, doctor.person_id)
        if made or change.key in refused:
            raise StaleVersionError
        # The schedule has changed since it was read, and the account has not.
        raise BusyError

    def verified(self, doctor_id: DoctorId, rev: int, /) -> tuple[Doctor, Sequence[AppointmentId]]:
        of_account, of_decision = account_key(doctor_id), _key_of(doctor_id, rev)
        items = self._dynamo.batch_get(self._dynamo.tables.accounts, (of_account, of_decision))
        decision = items.get(pair(of_decision))
        doctor = None if decision is None else self._left_by(decision, items.get(pair(of_account)))
        if decision is None or not isinstance(doctor, Doctor):
            raise NotFoundError
        return doctor, self._affected_by(decision, doctor.person_id)

    def decisions(self, doctor_id: DoctorId, /, *, after: int) -> Sequence[Doctor]:
        partition, first = pair(_key_of(doctor_id, after + 1))
        asked = Query(table=self._dynamo.tables.accounts, partition=partition, low=first, high=ITSELF)
        found = {pair(item)[1]: item for item in self._dynamo.query(asked)}
        account = found.get(ITSELF)
        told = (self._left_by(item, account) for at, item in found.items() if at.startswith(_DECISIONS))
        return [one for one in told if one is not None]

    def _left_by(self, decision: Item, account: Item | None) -> Doctor | None:
        doctor = load_account(account, self._sealing, profile=str(decision["profile"]["S"]))
        return doctor if isinstance(doctor, Doctor) else None

    def _affected_by(self, decision: Item, person: PersonId) -> Sequence[AppointmentId]:
        """The doctor's live appointments after the decision; whoever asks later is answered the same."""
        if "affected" not in decision:
            decision = self._completed(decision, person)
        return load_affected(str(decision["affected"]["S"]))

    def _completed(self, decision: Item, person: PersonId) -> Item:
        at = instant_of(number_in(decision, "made_at"))
        affected = live_of(self._dynamo, DoctorId(str(decision["doctor"]["S"])), person, now=at)
        terms = Terms(_IS_NEW_TO_IT, {":affected": text(dump_affected(affected))})
        # Who is told that it is there already takes what is there: his own, if the first answer was lost.
        left = self._dynamo.update(
            self._dynamo.tables.accounts, key(*pair(decision)), "SET affected=:affected", on=terms, repeatable=True
        )
        item = left.item if isinstance(left, Refused) else left
        assert item is not None  # noqa: S101 # decisions are never removed
        return item


def _key_of(doctor_id: DoctorId, rev: int) -> Item:
    partition, _ = pair(account_key(doctor_id))
    return key(partition, f"{_DECISIONS}{rev:010}")


def _decision_key(doctor: Doctor) -> Item:
    return _key_of(doctor.id, doctor.rev)


def _decision(doctor: Doctor, command: Command) -> Item:
    """What a decision has left of the doctor, but for the CPF; without what it affects, which is known after it."""
    return {
        **_decision_key(doctor),
        "doctor": text(doctor.id),
        "command": text(command.id),
        "made_at": number(microseconds(command.at)),
        "profile": text(dump_profile(doctor)),
    }


def _said(card: Item, name: str) -> Sequence[str]:
    return str(card[name]["S"]).split(" ")
