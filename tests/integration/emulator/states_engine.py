"""An emulated engine whose waits take no time, and workers that do its tasks in this process."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from integration.emulator.ministack import ACCOUNT, REGION, Ministack
from unit.saga.stage import Killed

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/sagas"
WORKERS: Final = 4
_ENDS_WITHIN: Final = 40.0

Work = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class TimelessMinistack(Ministack):
    """Whoever waits in it does not."""

    def _environment(self, *, auth: bool) -> dict[str, str]:
        return super()._environment(auth=auth) | {"SFN_WAIT_SCALE": "0"}


class Engine:
    """The engine, and who does its tasks.

    Attributes:
        work: by saga, who does its tasks; ``Killed``: the worker dies of it, as the engine then says.
    """

    def __init__(self) -> None:
        self.server = TimelessMinistack()
        # An empty queue keeps whoever asks for a minute.
        config = Config(read_timeout=70, max_pool_connections=2 * WORKERS, retries={"total_max_attempts": 1})
        self.client = boto3.client(
            "stepfunctions", region_name=REGION, endpoint_url=self.server.endpoint_url, config=config
        )
        self.activity = str(self.client.create_activity(name="saga-step")["activityArn"])
        self.work: dict[str, Work] = {}
        self._over = threading.Event()
        for _ in range(WORKERS):
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                task = self.client.get_activity_task(activityArn=self.activity)
                if task.get("taskToken"):
                    self._do(task["taskToken"], json.loads(task["input"]))
            except (BotoCoreError, ClientError):
                # It goes while somebody is asking.
                if not self._over.is_set():
                    raise

    def _do(self, token: str, task: Mapping[str, Any]) -> None:
        try:
            told = self.work[task["saga"]](task)
        except Killed:
            self.client.send_task_failure(taskToken=token, error="Lambda.Unknown", cause="")
        except Exception as error:  # what a function raises, the engine hears of
            self.client.send_task_failure(taskToken=token, error=type(error).__name__, cause="")
        else:
            self.client.send_task_success(taskToken=token, output=json.dumps(told))

    def execution(self, machine: str, saga_id: str) -> str:
        return f"{machine.replace(':stateMachine:', ':execution:')}:{saga_id}"

    def told(self, execution: str) -> Any:
        """The execution, when it has ended."""
        until = time.monotonic() + _ENDS_WITHIN
        while time.monotonic() < until:
            told = self.client.describe_execution(executionArn=execution)
            if told["status"] != "RUNNING":
                return told
            time.sleep(0.05)
        raise AssertionError(f"{execution} does not end")

    def stop(self, execution: str) -> None:
        self.client.stop_execution(executionArn=execution)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.server.close()
