"""A process of the clinic that does what lines of JSON say: run a saga in a fork that breaks off, or finish others'."""

import json
import os
import signal
import sys
import time
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

from integration.saga_crashes.scenes import SCENES, Cast, open_stores
from telemed_core.domain.sagas import LEASE
from telemed_core.errors import TelemedError


class Process:
    """What one process can be told to do; each answers with facts."""

    def __init__(self, url: str, notes: str) -> None:
        self.stores = open_stores(url)
        self.notes = Path(notes)
        self.standing: set[int] = set()

    def act(self, *, scene: str, number: int, now: str, at: int | None, by: int) -> dict[str, Any]:
        """Begin the scene's saga and run it in a child; what became of the child, once it has ended or stands still."""
        child = os.fork()
        if child == 0:
            self._act_and_exit(scene, number, datetime.fromisoformat(now), at, signal.Signals(by))
        return {"child": child, **self._status(child)}

    def go_on(self, *, child: int) -> dict[str, Any]:
        """Let the child that stands still go on, to its end."""
        os.kill(child, signal.SIGCONT)
        return self._status(child)

    def close(self) -> None:
        """Leave no child behind."""
        for child in self.standing:
            os.kill(child, signal.SIGKILL)

    def _status(self, child: int) -> dict[str, Any]:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            self.standing.add(child)
            return {"stands": True}
        self.standing.discard(child)
        killed = os.WIFSIGNALED(status)
        return {"stands": False, "killed": killed, "exit": None if killed else os.WEXITSTATUS(status)}

    def _act_and_exit(self, name: str, number: int, now: datetime, at: int | None, by: signal.Signals) -> None:
        try:
            scene = SCENES[name]
            cast = Cast(self.stores, self.notes, number=number, now=now, armed=False, at=at, by=by)
            before = scene.before(cast)
            cast.breaking.armed = True
            cast.breaking.note(what="begins", key=cast.clock.now().isoformat())
            try:
                scene.act(cast, before)
            except TelemedError:
                assert scene.fails or at is not None
            cast.run_sagas()
        except BaseException:  # whatever it is, the child must not go on as its parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def recover(self, *, number: int, now: str, same_host: bool) -> dict[str, Any]:
        """Finish what others have left: at once what was this host's, after its lease what may have been another's."""
        begun = time.perf_counter()
        early = self._as_of(datetime.fromisoformat(now), number, same_host=same_host)
        seconds = time.perf_counter() - begun
        late = self._as_of(datetime.fromisoformat(now) + LEASE, number, same_host=same_host)
        return {"early": early, "seconds": seconds, "late": late}

    def _as_of(self, now: datetime, number: int, *, same_host: bool) -> int:
        owner = None if same_host else "elsewhere:1:1"
        cast = Cast(self.stores, self.notes, number=number, now=now, owner=owner)
        cast.clinic.take_over()
        return cast.run_sagas()

    def clear(self, *, number: int, now: str) -> dict[str, Any]:
        """Bring everything to its end by then, so that the next saga is alone."""
        Cast(self.stores, self.notes, number=number, now=datetime.fromisoformat(now)).settle()
        return {}


def main() -> None:
    process = Process(*sys.argv[1:])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(getattr(process, told.pop("do"))(**told)), flush=True)
    process.close()


if __name__ == "__main__":
    main()
