"""What people change of their own accounts, up to closing them."""

from collections.abc import Mapping
from typing import Any

import attrs

from telemed_core.application.committing import Commands, deciding_again, settle_due
from telemed_core.domain.accounts import Account
from telemed_core.domain.commit import Command
from telemed_core.domain.patient import Patient
from telemed_core.ports.people import Accounts, Patients
from telemed_core.ports.storage import Appointments


@attrs.frozen
class ChangeProfile:
    """Somebody changes what their account says; live appointments keep what was agreed."""

    _accounts: Accounts
    _commands: Commands

    def __call__(self, *, actor: Account, changes: Mapping[str, Any]) -> Account:
        """Answers the account with these attributes changed.

        Raises:
            InvalidError: the whole would not be valid.
        """

        def act(_: Command) -> Account:
            before = self._accounts.get(actor.id)
            after = attrs.evolve(before, **changes)
            if after == before:
                return before
            after = attrs.evolve(after, rev=before.rev + 1)
            with deciding_again():
                self._accounts.update(before, after)
            return after

        return self._commands.run(act)


@attrs.frozen
class CloseAccount:
    """A patient leaves: nobody signs in to the account any more, and the record is kept as the law demands.

    Raises:
        LiveAppointmentsError: an appointment is still to come.
    """

    _accounts: Accounts
    _patients: Patients
    _appointments: Appointments
    _commands: Commands

    def __call__(self, *, patient: Patient) -> None:
        def act(command: Command) -> None:
            settle_due(self._appointments, command=command, patient=patient.id)
            closure = self._patients.get(patient.id).close(now=command.at)
            with deciding_again():
                self._accounts.close(closure)

        self._commands.run(act)
