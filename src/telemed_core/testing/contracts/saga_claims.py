"""The contract of ``SagaLog`` where runners share sagas out: claims, leases and fences."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.instants import SKEW
from telemed_core.domain.sagas import LEASE, Phase, SagaRow
from telemed_core.errors import FencedError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_patient, a_reservation, a_saga
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.sagas import INSTANT, claimed, moved, recorded, row_of
from telemed_core.testing.contracts.suite import Suite


class SagaClaimsContract(Suite):
    """Sagas as they are run."""

    def test_what_is_due_is_claimed_most_overdue_first(self, stores: Stores) -> None:
        dues = (MONDAY, None, MONDAY + INSTANT, MONDAY - timedelta(days=1))
        recorded(stores, *(a_saga(number, due_at=due_at) for number, due_at in enumerate(dues)))
        assert [row.id for row in stores.sagas.claim("here", now=MONDAY, limit=2)] == ["saga-1", "saga-3"]
        assert [row.id for row in stores.sagas.claim("here", now=MONDAY, limit=2)] == ["saga-0"]
        assert list(stores.sagas.claim("here", now=MONDAY, limit=2)) == []
        assert [row.id for row in stores.sagas.claim("here", now=MONDAY + INSTANT, limit=2)] == ["saga-2"]

    def test_what_is_due_at_once_is_due_whatever_the_clock_says(self, stores: Stores) -> None:
        recorded(stores, a_saga())
        assert len(stores.sagas.claim("here", now=MONDAY - timedelta(days=4000), limit=9)) == 1

    def test_a_claim_raises_fence_and_claims_and_lasts_10_seconds(self, stores: Stores) -> None:
        (before,) = recorded(stores, a_saga())
        for count in (1, 2):
            now = MONDAY + count * LEASE
            (row,) = stores.sagas.claim(f"owner-{count}", now=now, limit=9)
            held = attrs.evolve(before, fence=count, claims=count, lease_until=now + LEASE)
            assert row == attrs.evolve(held, owner=f"owner-{count}")
            assert row_of(stores.sagas, row.id) == row
            assert list(stores.sagas.claim("another", now=now + LEASE - INSTANT, limit=9)) == []

    def test_an_entry_keeps_the_lease_of_who_goes_on_and_counts_claims_anew(self, stores: Stores) -> None:
        stores.sagas.append(moved(claimed(stores), step=2, at=MONDAY + timedelta(seconds=9)))
        assert list(stores.sagas.claim("there", now=MONDAY + timedelta(seconds=19) - INSTANT, limit=9)) == []
        (row,) = stores.sagas.claim("there", now=MONDAY + timedelta(seconds=19), limit=9)
        assert (row.claims, row.fence, row.seq) == (1, 2, 1)

    def test_a_saga_that_waits_is_nobodys_and_due_when_its_wait_is_over(self, stores: Stores) -> None:
        wait = timedelta(seconds=3)
        stores.sagas.append(moved(claimed(stores), attempt=2, wait=wait))
        assert list(stores.sagas.claim("here", now=MONDAY + wait - INSTANT, limit=9)) == []
        assert len(stores.sagas.claim("there", now=MONDAY + wait, limit=9)) == 1

    @pytest.mark.parametrize("phase", [Phase.QUARANTINED, Phase.COMPLETED, Phase.COMPENSATED])
    def test_what_has_ended_or_waits_for_an_operator_is_not_claimed(self, stores: Stores, phase: Phase) -> None:
        stores.sagas.append(moved(claimed(stores), phase=phase))
        assert list(stores.sagas.claim("here", now=MONDAY + timedelta(days=400), limit=9)) == []

    def test_a_registration_is_left_to_itself_until_its_saga_is_due(self, stores: Stores) -> None:
        reservation = a_reservation(a_patient())
        stores.accounts.reserve(reservation)
        due_at = reservation.saga.due_at
        assert due_at is not None
        assert list(stores.sagas.claim("here", now=due_at - INSTANT, limit=9)) == []
        assert [row.id for row in stores.sagas.claim("here", now=due_at, limit=9)] == [reservation.saga.id]

    def test_a_lease_longer_than_any_is_of_another_clock_and_counts_as_ended(self, stores: Stores) -> None:
        ahead = MONDAY + SKEW
        row = claimed(stores, at=ahead)
        assert list(stores.sagas.claim("there", now=MONDAY, limit=9)) == []
        (again,) = stores.sagas.claim("there", now=MONDAY - INSTANT, limit=9)
        assert (again.owner, again.fence, again.lease_until) == ("there", row.fence + 1, MONDAY - INSTANT + LEASE)

    def test_of_many_claims_at_once_each_saga_is_one_runners(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            recorded(stores, *(a_saga(12 * number + one) for one in range(12)))
            answers = at_once([lambda: stores.sagas.claim("here", now=MONDAY, limit=4) for _ in range(6)])
            answers.append(stores.sagas.claim("here", now=MONDAY, limit=99))
            rows: list[SagaRow] = [row for answer in answers for row in answer]
            assert sorted(row.id for row in rows) == sorted(f"saga-{12 * number + one}" for one in range(12))
            assert {row.fence for row in rows} == {1}
            for row in rows:
                stores.sagas.append(moved(row, phase=Phase.COMPLETED))

    def test_who_paused_past_the_lease_is_fenced(self, stores: Stores) -> None:
        paused = claimed(stores)
        (row,) = stores.sagas.claim("there", now=MONDAY + LEASE, limit=9)
        with pytest.raises(FencedError):
            stores.sagas.append(moved(paused, step=2, at=MONDAY + LEASE))
        with pytest.raises(FencedError):
            stores.sagas.renew(paused, now=MONDAY + LEASE)
        assert row_of(stores.sagas, row.id) == row
        assert stores.sagas.append(moved(row, step=2)).progress.step == 2

    def test_who_paused_past_the_lease_goes_on_where_nobody_has_taken_it(self, stores: Stores) -> None:
        row, late = claimed(stores), MONDAY + timedelta(hours=1)
        assert stores.sagas.renew(row, now=late).lease_until == late + LEASE
        entry = moved(row, step=2, at=late + timedelta(hours=1))
        assert stores.sagas.append(entry) == entry.after

    def test_a_renewed_lease_lasts_from_then_on(self, stores: Stores) -> None:
        row, now = claimed(stores), MONDAY + timedelta(seconds=6)
        renewed = stores.sagas.renew(row, now=now)
        assert renewed == attrs.evolve(row, lease_until=now + LEASE)
        assert row_of(stores.sagas, row.id) == renewed
        assert list(stores.sagas.claim("there", now=now + LEASE - INSTANT, limit=9)) == []
        entry = moved(renewed, step=2, at=now)
        assert stores.sagas.append(entry) == entry.after

    def test_what_has_gone_on_or_is_unknown_is_not_renewed(self, stores: Stores) -> None:
        row = claimed(stores)
        left = stores.sagas.append(moved(row, step=2))
        (unknown,) = recorded(stores, a_saga(2))
        for stale in (row, attrs.evolve(left, fence=left.fence - 1), attrs.evolve(unknown, id=a_saga(3).id)):
            with pytest.raises(FencedError):
                stores.sagas.renew(stale, now=MONDAY + INSTANT)
        assert row_of(stores.sagas, row.id) == left

    def test_the_owners_are_those_who_hold_a_lease(self, stores: Stores) -> None:
        assert set(stores.sagas.owners()) == set()
        claimed(stores, 1, owner="host:1:0")
        recorded(stores, a_saga(2), a_saga(3))
        assert len(stores.sagas.claim("host:2:0", now=MONDAY, limit=9)) == 2
        waiting, ended = claimed(stores, 4, owner="host:3:0"), claimed(stores, 5, owner="host:4:0")
        recorded(stores, a_saga(6))
        assert set(stores.sagas.owners()) == {"host:1:0", "host:2:0", "host:3:0", "host:4:0"}
        stores.sagas.append(moved(waiting, attempt=2, wait=timedelta(seconds=1)))
        stores.sagas.append(moved(ended, phase=Phase.COMPLETED))
        assert set(stores.sagas.owners()) == {"host:1:0", "host:2:0"}

    def test_freed_sagas_are_claimed_at_once_and_who_had_them_is_fenced(self, stores: Stores) -> None:
        rows = [claimed(stores, number, owner=f"host:{number}:0") for number in (1, 2, 3)]
        assert stores.sagas.free(()) == 0
        assert stores.sagas.free(["host:1:0", "host:2:0", "unknown"]) == 2
        assert set(stores.sagas.owners()) == {"host:3:0"}
        freed = [attrs.evolve(row, owner=None, lease_until=None) for row in rows[:2]]
        assert [row_of(stores.sagas, row.id) for row in rows] == [*freed, rows[2]]
        again = stores.sagas.claim("host:4:0", now=MONDAY, limit=9)
        assert sorted((row.id, row.fence) for row in again) == [("saga-1", 2), ("saga-2", 2)]
        with pytest.raises(FencedError):
            stores.sagas.append(moved(rows[0], step=2))
        assert stores.sagas.free(["host:1:0"]) == 0
