"""Cold starts of the functions of Lambda beside bare handlers: new processes up to the answer of the first call.

Both have the packages of a function's zip and nothing else, compiled beforehand. The bare handler imports attrs, makes
as many models of pydantic as ours has built by then, and sends with botocore what ours sends first.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from compileall import compile_dir
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any, Final

import attrs
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.aws.calling import open_call
from adapters.dynamodb.tables import Tables
from adapters.tokens import open_issuer
from benchmarks.dynamodb import use_the_emulator_only
from integration.emulator.ministack import CREDENTIALS, REGION, Ministack
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Session

ROUNDS: Final = 9
PREFIX: Final = "cold-"
_HERE: Final = Path(__file__).parents[1]
_PINNED: Final = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)

# How both end: with what the process has used by then.
ENDING: Final = """
import json, os, sys, time
sys.path[:0] = json.loads(sys.argv[1])
def end(**told):
    told["cpu"] = time.process_time()
    print(json.dumps(told), flush=True)
    os._exit(0)
"""

OURS: Final = f"""{ENDING}
from importlib import import_module
handler = import_module("entrypoints.lambdas." + sys.argv[2]).handler

class Context:
    aws_request_id = "request"
    def get_remaining_time_in_millis(self):
        return 60_000

calling = sys.modules["adapters.aws.calling"]
once = calling._Calls._once
def first(self, operation, request):
    once(self, operation, request)
    if len(sys.argv) == 4:
        end()
    import pydantic
    def of(kind):
        return {{kind}}.union(*map(of, kind.__subclasses__()))
    ours = [one for one in of(pydantic.BaseModel) if not one.__module__.startswith("pydantic")]
    made = [one for one in ours if one.__pydantic_complete__]
    end(operation=operation, request=request, models=len(made))
calling._Calls._once = first
handler(json.loads(sys.argv[3]), Context())
"""

BARE: Final = f"""{ENDING}
import attrs
import pydantic
import botocore.session

# They are as big as ours are on the average.
for number in range(int(sys.argv[2])):
    class Model(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
        a: str
        b: int
        c: str | None = None
        d: tuple[str, ...] = ()
client = botocore.session.get_session().create_client(
    "dynamodb", region_name=sys.argv[3], endpoint_url=sys.argv[4]
)
client._make_api_call(sys.argv[5], json.loads(sys.argv[6]))
end()
"""


@attrs.frozen
class Looked:
    """What a function has done with its event.

    Attributes:
        models: how many models of pydantic it had made by its first call.
        operation: what it has called first.
    """

    models: int
    operation: str
    request: Mapping[str, Any]


@attrs.frozen
class Stage:
    """Where functions are started.

    Attributes:
        paths: where they look for modules.
    """

    paths: str
    endpoint_url: str
    environment: Mapping[str, str]

    def look(self, function: str, event: Any) -> Looked:
        told = json.loads(self._run(OURS, self.paths, function, json.dumps(event), "look"))
        return Looked(told["models"], told["operation"], told["request"])

    def start(self, function: str, event: Any) -> tuple[float, float]:
        """CPU and wall clock, in seconds."""
        return self._timed(OURS, self.paths, function, json.dumps(event))

    def start_bare(self, looked: Looked) -> tuple[float, float]:
        asked = (str(looked.models), REGION, self.endpoint_url, looked.operation, json.dumps(looked.request))
        return self._timed(BARE, self.paths, *asked)

    def _timed(self, program: str, *arguments: str) -> tuple[float, float]:
        begun = time.perf_counter()
        told = self._run(program, *arguments)
        return float(json.loads(told)["cpu"]), time.perf_counter() - begun

    def _run(self, program: str, *arguments: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()[-1]


def main(row: Callable[..., None]) -> None:
    """Print the rows.

    Args:
        row: prints a name, the figures of rounds, and their ratio to those of the floor.
    """
    use_the_emulator_only()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(Ministack())
        call = open_call("dynamodb", region=REGION, endpoint_url=emulator.endpoint_url, connections=1)
        for table in Tables.named(PREFIX).all:
            call("CreateTable", table.creation())
        key = _issuer_key()
        stage = Stage(json.dumps(_zip_like(folder)), emulator.endpoint_url, _environment(emulator.endpoint_url, key))
        events = _events(key)
        looked = {name: stage.look(name, event) for name, event in events.items()}
        for name, event in events.items():
            _compare(row, name, stage, event, looked[name])


def _compare(row: Callable[..., None], name: str, stage: Stage, event: Any, looked: Looked) -> None:
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(stage.start_bare(looked))
        ours.append(stage.start(name, event))
    for place, what in enumerate(("CPU", "wall")):
        figures, floor = [[one[place] * 1e6 for one in of] for of in (ours, bare)]
        row(f"cold start of {name}, {looked.operation}: {what}", figures, floor)
        row(f"  bare, {looked.models} models", floor, floor)


def _zip_like(folder: Path) -> list[str]:
    """Folders with our source and what is pinned for functions, all of it compiled."""
    ours, foreign = folder / "ours", folder / "foreign"
    copytree(_HERE / "src", ours, ignore=ignore_patterns("__pycache__"))
    compile_dir(ours, quiet=2)
    foreign.mkdir()
    pinned = (_HERE / "requirements" / "lambda.txt").read_text(encoding="utf-8")
    for name in _PINNED.findall(pinned):
        found = distribution(name)
        for top in {Path(str(file)).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            link = foreign / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(top))))
    return [str(ours), str(foreign)]


def _issuer_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _environment(endpoint_url: str, key: bytes) -> dict[str, str]:
    secret = base64.b64encode(b"k" * 32).decode()
    return {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TELEMED_STORE": "dynamodb",
        "TELEMED_MEETINGS": "memory",
        "TELEMED_AWS_PREFIX": PREFIX,
        "TELEMED_AWS_ENDPOINT_URL": endpoint_url,
        "TELEMED_SECRET": secret,
        "TELEMED_PEPPER": secret,
        "TELEMED_DATA_KEY": secret,
        "TELEMED_ISSUER_KEY": key.decode(),
    }


def _events(key: bytes) -> dict[str, Any]:
    """For each function that uses DynamoDB one at which it does."""
    now = datetime.now(UTC)
    session = Session.opened(SessionId("0" * 26), AccountId("1" * 26), password_rev=1, now=now)
    token = open_issuer(key).access_token(session, now=now)
    appointment = "2" * 26
    return {
        "agenda": _request(token, "GET", "/v1/agenda"),
        "decisions": _request(token, "POST", f"/v1/appointments/{appointment}/accept"),
        "booking": _request(token, "POST", "/v1/appointments"),
        "saga_starter": {"Records": [_begun(appointment)]},
        "saga_step": {"saga": appointment, "seq": 0, "at": "forward.0"},
        "sweep": {},
    }


def _begun(saga: str) -> dict[str, Any]:
    """The record of a saga's row."""
    keys = {"PK": {"S": f"S#{saga}"}, "SK": {"S": "M"}}
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "Keys": keys, "NewImage": keys}}


def _request(token: str, method: str, path: str) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
        "requestContext": {"stage": "$default", "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}},
        "body": "{}",
        "isBase64Encoded": False,
    }
