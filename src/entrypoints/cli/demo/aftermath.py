"""What follows from what has happened: reminders, a new password by e-mail, a ledger and sagas that agree."""

from collections import Counter
from datetime import timedelta

from entrypoints.cli.demo.stage import SYSTEM, Stage
from entrypoints.cli.demo.tellings import Telling, reminded
from telemed_core.domain.people import Password
from telemed_core.domain.sagas import Phase, SagaRow

MANY = 100


def reminders(stage: Stage) -> None:
    """Both sides are reminded a day and an hour before, each once."""
    visit = stage.visit
    for ahead in (timedelta(hours=24), timedelta(hours=1)):
        stage.clock.travel_to(visit.visit.start - ahead)
        stage.told(*reminded(visit))


def forgotten_password(stage: Stage) -> None:
    """What comes by e-mail sets a new password, once."""
    asking, resetting = stage.container.ask_reset(), stage.container.reset_password()
    asking(login=stage.bia.email.address)
    asking(login="nobody@example.org")
    stage.tell(stage.bia.name, "has forgotten the password; so has somebody unknown", "accepted, both alike")
    stage.told(Telling(stage.bia.id, "New password", "e-mail"))
    token = stage.tellings.last_mail().body.partition("#token=")[2].split()[0]
    fresh = Password("five quiet otters juggle")
    resetting(token=token, password=fresh)
    stage.check(stage.container.identity().check(stage.bia.id, fresh), "the new password to be hers")
    stage.tell(stage.bia.name, "sets another one with what came by e-mail", "set")
    again = stage.refused("invalid_request", lambda: resetting(token=token, password=fresh))
    stage.tell(stage.bia.name, "follows the same link again", again)


def audit(stage: Stage) -> None:
    """In the end the ledger is exactly the live appointments."""
    differences = list(stage.container.verify_ledger()())
    stage.check(not differences, f"a clean ledger, not {len(differences)} differences")
    stage.tell(SYSTEM, "verifies the ledger against the appointments", "clean")


def sagas(stage: Stage) -> None:
    """In the end every saga has ended, but for reminders of what is still ahead."""
    found = list(_all(stage))
    counted = Counter((one.name, one.progress.phase) for one in found)
    for (name, phase), number in sorted(counted.items()):
        stage.tell(SYSTEM, f"saga {name}", f"{number} {phase}")
    ahead = [one for one in found if one.name == "remind" and (one.due_at or stage.clock.now()) > stage.clock.now()]
    open_ = [one for one in found if one not in ahead and one.progress.phase is not Phase.COMPLETED]
    stage.check(not open_, f"every saga to be completed, not {len(open_)} open")
    names = {one.name for one in found}
    for name in (
        "register_doctor",
        "verification",
        "request",
        "move",
        "accept",
        "propose",
        "agree",
        "cancel",
        "expire",
        "complete",
        "no_show",
    ):
        stage.check(name in names, f"a saga {name}")


def _all(stage: Stage) -> list[SagaRow]:
    found: list[SagaRow] = []
    while page := stage.container.list_sagas()(
        actor=stage.administrator,
        after=(found[-1].started_at, found[-1].id) if found else None,
        limit=MANY,
    ):
        found += page
    return found
