"""The contract of ``Ledger``."""

import attrs
import pytest

from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.ledger import Fault, Repair, differences, repairs
from telemed_core.domain.patient import Patient
from telemed_core.errors import SlotTakenError, StaleRevisionError
from telemed_core.testing.contracts.suite import Suite, assert_clean, picture, requested
from telemed_core.testing.wiring import Clinic


class LedgerContract(Suite):
    """Reading, verifying and mending the ledger."""

    def test_people_with_claims_are_listed_by_id_after_a_given_one(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        clinic.patient(2)
        requested(clinic, doctor, patient)
        everyone = sorted([doctor.person_id, patient.person_id])
        assert list(clinic.stores.ledger.people(limit=9)) == everyone
        assert list(clinic.stores.ledger.people(limit=1)) == everyone[:1]
        assert list(clinic.stores.ledger.people(after=everyone[0], limit=9)) == everyone[1:]

    def test_a_page_has_the_claims_asked_for_and_every_person_asked_for(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked, nobody = requested(clinic, doctor, patient), clinic.patient(2)
        mine = sorted(asked.cells(Side.DOCTOR))
        page = clinic.stores.ledger.read([doctor.person_id, nobody.person_id], cells=range(mine[2], mine[4]))
        assert page.claims == {doctor.person_id: dict.fromkeys(mine[2:4], asked.id), nobody.person_id: {}}
        assert [one.id for one in page.appointments] == [asked.id]
        assert list(differences(page)) == []

    def test_a_repair_at_another_revision_is_stale_and_changes_nothing(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        before = picture(clinic.stores)
        cells = tuple(sorted(asked.cells(Side.DOCTOR)))
        repair = Repair(asked.id, asked.rev + 1, (ClaimChange(doctor.person_id, cells, asked.id, None),))
        with pytest.raises(StaleRevisionError):
            clinic.stores.ledger.apply(repair)
        assert picture(clinic.stores) == before

    def test_a_repair_of_cells_that_are_another_owners_changes_nothing(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        first, second = requested(clinic, doctor, patient), requested(clinic, doctor, patient, days=2)
        before = picture(clinic.stores)
        theirs, mine = (tuple(sorted(one.cells(Side.DOCTOR))) for one in (second, first))
        person = doctor.person_id
        for wrong in (
            ClaimChange(person, theirs, first.id, None),
            ClaimChange(person, theirs, None, first.id),
            ClaimChange(person, tuple(cell + 100 for cell in theirs), first.id, None),
        ):
            good = ClaimChange(person, mine, first.id, None)
            with pytest.raises(SlotTakenError):
                clinic.stores.ledger.apply(Repair(first.id, first.rev, (good, wrong)))
            assert picture(clinic.stores) == before

    def test_what_was_damaged_is_named_and_mended(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        asked = requested(clinic, doctor, patient)
        whole = picture(clinic.stores)
        mine = sorted(asked.cells(Side.DOCTOR))
        lost = ClaimChange(doctor.person_id, tuple(mine[:2]), asked.id, None)
        stray = ClaimChange(doctor.person_id, (mine[-1] + 7,), None, asked.id)
        clinic.stores.ledger.apply(Repair(asked.id, asked.rev, (lost, stray)))
        found = list(clinic.verify_ledger())
        assert [(one.fault, one.cell) for one in found] == [
            (Fault.MISSING, mine[0]),
            (Fault.MISSING, mine[1]),
            (Fault.STRAY, mine[-1] + 7),
        ]
        made, left = clinic.repair_ledger()
        assert [one.appointment_id for one in made] == [asked.id]
        assert list(left) == []
        assert picture(clinic.stores) == whole
        assert clinic.repair_ledger() == ([], [])

    def test_cells_of_an_appointment_that_does_not_exist_are_freed(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        requested(clinic, doctor, patient)
        ghost = AppointmentId("ghost")
        clinic.stores.ledger.apply(Repair(ghost, 0, (ClaimChange(doctor.person_id, (1, 2), None, ghost),)))
        page = clinic.stores.ledger.read([doctor.person_id])
        assert [attrs.astuple(one)[1:4] for one in differences(page)] == [
            (1, Fault.STRAY, ghost),
            (2, Fault.STRAY, ghost),
        ]
        assert [one.rev for one in repairs(page)] == [0]
        clinic.repair_ledger()
        assert_clean(clinic.stores)

    def test_what_another_owns_stays_and_is_named(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        first, second = requested(clinic, doctor, patient), requested(clinic, doctor, patient, days=2)
        cell = min(first.cells(Side.DOCTOR))
        clinic.stores.ledger.apply(
            Repair(first.id, first.rev, (ClaimChange(doctor.person_id, (cell,), first.id, None),))
        )
        clinic.stores.ledger.apply(
            Repair(second.id, second.rev, (ClaimChange(doctor.person_id, (cell,), None, second.id),))
        )
        (found,) = clinic.verify_ledger()
        assert (found.fault, found.owner, found.expected) == (Fault.FOREIGN, second.id, first.id)
        made, left = clinic.repair_ledger()
        assert list(left) == []
        assert [one.appointment_id for one in made] == [second.id, first.id]
        assert_clean(clinic.stores)
