"""The sagas themselves, and the registry by which a row finds the definition that it was started with."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import attrs

from telemed_core.domain.sagas import SagaRow, SagaStart
from telemed_core.saga.definition import FOREVER, Kind, Retry, Saga, Step

NOTIFY: Final = Step(name="notify", kind=Kind.RETRIABLE, do="publish_changes", local=True, retry=FOREVER)
END_MEETING: Final = Step(name="end_meeting", kind=Kind.RETRIABLE, do="end_meeting", retry=FOREVER)
"""After the notices: nobody waits to be told until a provider of video answers. Whoever comes is refused already."""

REMOVE_IDENTITY: Final = Step(name="remove_identity", kind=Kind.RETRIABLE, do="remove_identity", retry=FOREVER)
"""Before all else that is erased: whoever keeps passwords forgets the user."""

REVOKE_FEEDS: Final = Step(name="revoke_feeds", kind=Kind.RETRIABLE, do="revoke_feeds", retry=FOREVER)
ANONYMISE: Final = Step(name="anonymise_profile", kind=Kind.RETRIABLE, do="anonymise_profile", retry=FOREVER)
REMINDERS: Final = Step(name="reminders", kind=Kind.RETRIABLE, do="set_reminders", local=True, retry=FOREVER)


def _decided(step: str) -> Step:
    """A pivot that is done by the very commit that records the saga."""
    return Step(name=step, kind=Kind.PIVOT, do="co_committed", resolve="co_committed", local=True)


def _carrying_on(name: str, pivot: str, *after: Step, version: int = 1) -> Saga:
    return Saga(name, version, (_decided(pivot), *after), begun=1)


def _registration(role: str) -> Saga:
    return Saga(
        f"register_{role}",
        1,
        (
            Step(name="reserve_logins", kind=Kind.COMPENSATABLE, do="co_committed", undo="release_logins", local=True),
            Step(
                name="create_identity",
                kind=Kind.COMPENSATABLE,
                do="create_identity",
                undo="remove_identity",
                retry=Retry(attempts=3),
            ),
            Step(name="create_profile", kind=Kind.PIVOT, do="create_profile", resolve="resolve_profile", local=True),
        ),
        begun=1,
    )


SAGAS: Final = (
    _registration("doctor"),
    _registration("patient"),
    _registration("administrator"),
    _carrying_on("request", "take_slot", NOTIFY),
    _carrying_on("move", "move", NOTIFY),
    _carrying_on("accept", "confirm", REMINDERS, NOTIFY),
    _carrying_on("refuse", "end_appointment", NOTIFY),
    _carrying_on("refuse", "end_appointment", NOTIFY, END_MEETING, version=2),
    _carrying_on("expire", "end_appointment", NOTIFY),
    _carrying_on("expire", "end_appointment", NOTIFY, END_MEETING, version=2),
    _carrying_on("cancel", "end_appointment", NOTIFY),
    _carrying_on("cancel", "end_appointment", NOTIFY, END_MEETING, version=2),
    _carrying_on("propose", "propose", NOTIFY),
    _carrying_on("agree", "agree", REMINDERS, NOTIFY),
    _carrying_on("decline", "decline", NOTIFY),
    _carrying_on("lapse", "lapse", NOTIFY),
    _carrying_on("complete", "complete", NOTIFY),
    _carrying_on("complete", "complete", NOTIFY, END_MEETING, version=2),
    _carrying_on("no_show", "end_appointment", NOTIFY),
    _carrying_on("no_show", "end_appointment", NOTIFY, END_MEETING, version=2),
    _carrying_on("verification", "decide", NOTIFY),
    _carrying_on("close_account", "disable_sign_in", REVOKE_FEEDS, ANONYMISE),
    _carrying_on("close_account", "disable_sign_in", REMOVE_IDENTITY, REVOKE_FEEDS, ANONYMISE, version=2),
    Saga(
        "remind",
        1,
        (Step(name="notify", kind=Kind.RETRIABLE, do="publish_reminder", retry=FOREVER),),
    ),
)


@attrs.frozen
class Registry:
    """Definitions by name and version; new sagas get the latest one, rows keep theirs.

    Raises:
        ValueError: one version stands twice.
    """

    _sagas: Mapping[tuple[str, int], Saga]
    _latest: Mapping[str, Saga]

    @classmethod
    def of(cls, sagas: Iterable[Saga]) -> "Registry":
        found: dict[tuple[str, int], Saga] = {}
        for saga in sagas:
            if (saga.name, saga.version) in found:
                raise ValueError(f"{saga.name} has version {saga.version} twice")
            found[saga.name, saga.version] = saga
        return cls(found, {name: saga for (name, _), saga in sorted(found.items())})

    def find(self, row: SagaRow) -> Saga | None:
        """The definition that the row was started with; ``None``: there is none with its version and digest."""
        saga = self._sagas.get((row.name, row.version))
        return saga if saga is not None and saga.digest == row.digest else None

    def latest(self, name: str) -> Saga | None:
        """The definition that new sagas of that name are started with."""
        return self._latest.get(name)

    def names(self) -> list[str]:
        """All names, in order."""
        return sorted(self._latest)

    def begin(self, start: SagaStart, *, at: datetime) -> SagaRow:
        """The row with which that saga starts."""
        return self._latest[start.name].begin(start, at=at)


REGISTRY: Final = Registry.of(SAGAS)
