"""The participants of one process: each passes its call on to the world, through the network or with the log."""

from collections.abc import Mapping

import attrs

from integration.simulator.definitions import PUBLISH, REGISTER
from integration.simulator.network import carry
from integration.simulator.processes import Process
from integration.simulator.watched_log import WatchedLog
from integration.simulator.world import World
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import PublishedMark, SagaEntry
from telemed_core.errors import StaleVersionError, UnavailableError
from telemed_core.saga.deciding import Broken, Call, Ok, Outcome, Refused, Uncertain
from telemed_core.saga.definition import Saga, Step
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import Participant

HAVE_THE_PASSWORD = frozenset(f"{step.name}.do" for step in REGISTER[1:])
"""What only the process that started it can do."""


class BugError(Exception):
    """One of ours."""


@attrs.frozen
class Services:
    """What the steps of all sagas ask of others, from within one process."""

    log: WatchedLog
    world: World
    process: Process

    def participants(self, sagas: list[Saga]) -> Mapping[str, Participant]:
        """By operation."""
        found: dict[str, Participant] = {}
        for step in (step for saga in sagas for step in saga.steps):
            for operation in filter(None, (step.do, step.undo, step.resolve)):
                found[operation] = self._counted(step)
        return found

    def _counted(self, step: Step) -> Participant:
        def participant(asked: Asked) -> Outcome:
            row, call = asked.row, asked.call
            self.world.asked[row.id][step.name, row.progress.phase] += 1
            self.process.answers[row.id] = None
            if row.id in self.world.poisonous:
                self.world.count_death(row.id)
                self.process.die(f"of {row.id}")
            if call.operation in HAVE_THE_PASSWORD:
                answer: Outcome = Refused("not_by_itself")
            else:
                answer = self.carry_out(row.id, row.subject, call, asked.entry)
            self.process.answers[row.id] = answer
            if isinstance(answer, Broken) and self.process.timeline.chance.random() < 0.5:
                raise BugError
            return answer

        return participant

    def carry_out(self, saga_id: SagaId, subject: Id, call: Call, entry: SagaEntry | None) -> Outcome:
        """Do what is asked, whichever way it is."""
        if entry is None:
            return self._remotely(saga_id, call)
        try:
            if call.step == PUBLISH:
                return self._publish(saga_id, subject, call, entry)
            return self._locally(saga_id, call, entry)
        except UnavailableError as error:
            return Uncertain(error.code)

    def _remotely(self, saga_id: SagaId, call: Call) -> Outcome:
        def serve() -> Outcome:
            return self.world.handle(saga_id, call, now=self.process.timeline.now)

        what = f"{call.operation} of {saga_id}"
        return carry(self.process, what, timeout=call.timeout.total_seconds(), serve=serve)

    def _locally(self, saga_id: SagaId, call: Call, entry: SagaEntry) -> Outcome:
        if call.way == "do" and self.world.refuses(saga_id, call, now=self.process.timeline.now):
            return Refused("not_now")
        self.log.commit(entry, lambda: self.world.commit_locally(saga_id, call))
        return Ok()

    def _publish(self, saga_id: SagaId, subject: Id, call: Call, entry: SagaEntry) -> Outcome:
        """Tell what has not been told yet, in order."""
        while True:
            before = self.log.published(subject)
            after = self.world.events[subject]
            for seq in range(before + 1, after + 1):
                told = self._tell(subject, seq)
                if not isinstance(told, Ok):
                    return told
            mark = PublishedMark(subject, before, after) if after > before else None
            try:
                self.log.commit(entry, lambda: self.world.commit_locally(saga_id, call), mark=mark)
            except StaleVersionError:
                continue
            return Ok()

    def _tell(self, subject: Id, seq: int) -> Outcome:
        def serve() -> Outcome:
            self.world.tell(subject, seq)
            return Ok()

        return carry(self.process, f"publish.{seq} of {subject}", timeout=5.0, serve=serve)
