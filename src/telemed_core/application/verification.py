"""An administrator decides on a doctor's registration."""

from collections.abc import Sequence

import attrs

from telemed_core.application.committing import Commands, deciding_again
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.errors import ForbiddenError
from telemed_core.ports.people import Doctors


@attrs.frozen
class VerifyDoctor:
    """Approve, reject or suspend a doctor; live appointments stand, and are named in the answer.

    Raises:
        ForbiddenError: the actor is no administrator.
        NotFoundError: there is no such doctor.
        InvalidTransitionError: the decision does not follow from where the registration stands.
        InvalidError: no reason, where one is required.
    """

    _doctors: Doctors
    _commands: Commands

    def __call__(
        self,
        *,
        doctor_id: DoctorId,
        decision: Decision,
        reason: str | None,
        actor: Account,
        idempotency: Idempotency | None = None,
    ) -> tuple[Doctor, Sequence[AppointmentId]]:
        if not isinstance(actor, Administrator):
            raise ForbiddenError

        def act(command: Command) -> tuple[Doctor, Sequence[AppointmentId]]:
            verification = self._doctors.get(doctor_id).verify(decision, why=reason)
            with deciding_again():
                return verification.after, self._doctors.apply(verification, command=command)

        return self._commands.run(act, idempotency=idempotency)
