"""A server whose app can be looked into: ``python -m integration.http.probe PORT WORKERS HEADER_SECONDS PATIENCE``."""

import asyncio
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.container import open_container
from entrypoints.http.serving import CannotListenError, listen, serve
from entrypoints.http.transport import Transport
from entrypoints.settings import load_settings

PATIENCE = "PROBE_PATIENCE"


def app() -> ASGIApp:
    """Tells of itself and the body; ``/slow`` takes two seconds, ``/die`` ends the worker, ``/bug`` is one."""
    clock = open_container(load_settings()).clock()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        path = scope["path"]
        if path == "/slow":
            await asyncio.sleep(2)
        elif path == "/die":
            os._exit(9)
        elif path == "/bug":
            raise ValueError("the patient's name")
        length = len((await receive()).get("body", b""))
        told = {
            "pid": os.getpid(),
            "length": length,
            "ahead": (clock.now() - datetime.now(UTC)).total_seconds(),
        }
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        with suppress(OSError):
            await send({"type": "http.response.body", "body": orjson.dumps(told)})

    return Transport(answer, secure=False, patience=float(os.environ[PATIENCE]))


def main(port: str, workers: str, header_seconds: str, patience: str) -> int:
    os.environ[PATIENCE] = patience
    try:
        address = listen("127.0.0.1", int(port))
    except CannotListenError as error:
        print(error, file=sys.stderr)
        return 2
    serve(
        address,
        workers=int(workers),
        ready=lambda: print(f"listening on {address.url}", flush=True),
        app="integration.http.probe:app",
        header_seconds=int(header_seconds),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
