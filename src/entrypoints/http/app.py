"""The FastAPI app: every operation under its path, and nothing of its own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Final

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from entrypoints.background import Background
from entrypoints.container import Container, open_container
from entrypoints.http.docs import docs_routes
from entrypoints.http.signalling import Hub
from entrypoints.http.transport import Transport
from entrypoints.operations.all_operations import OPERATIONS
from entrypoints.operations.answering import NO_SUCH_OPERATION, Api, method_answer, problem_answer
from entrypoints.operations.exchange import client_address, is_secure
from entrypoints.operations.health import ALIVE, READY
from entrypoints.operations.openapi import document
from entrypoints.operations.operation import Incoming, Operation, Outgoing
from entrypoints.seeding import seed
from entrypoints.settings import load_settings

SIGNALLING: Final = "/v1/meetings/{id}/signal"

Carrying = Callable[[Operation, Incoming], Awaitable[Outgoing]]


def make_app(container: Container) -> FastAPI:
    """The API over these parts, without what the transport adds.

    Its lifespan sweeps, runs sagas, sends e-mails, and looks after who is connected to meetings.
    """
    settings = container.settings()
    hub = Hub(container)
    described = document(OPERATIONS, version=version("telemed"), server_url=settings.public_url)
    app = FastAPI(
        title=described["info"]["title"],
        version=described["info"]["version"],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(container, hub),
        exception_handlers={HTTPException: _refused},
    )
    app.openapi = lambda: described  # type: ignore[method-assign] # FastAPI's own way to bring a document
    carry = _carrying(Api(container), threads=settings.threads)
    for path, operations in _by_path(OPERATIONS).items():
        app.add_api_route(
            path,
            _endpoint(operations, carry, trusted_proxies=settings.trusted_proxies),
            methods=[*operations],
            response_model=None,
            include_in_schema=False,
        )
    app.add_api_websocket_route(SIGNALLING, hub.meet)
    app.router.routes.extend(docs_routes(described))
    return app


def app() -> ASGIApp:
    """What a server runs: the app over the parts that the environment chooses."""
    settings = load_settings()
    container = open_container(settings)
    if settings.demo and settings.keeps_memory_only:
        seed(container)
    # What takes long to load or to make is there before the first request.
    for part in (container.authenticate, container.sign_in, container.request_appointment):
        part()
    return Transport(make_app(container), secure=is_secure(settings))


def _by_path(operations: Sequence[Operation]) -> Mapping[str, Mapping[str, Operation]]:
    found: dict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in operations:
        found[operation.path][operation.method] = operation
    return found


def _carrying(api: Api, *, threads: int) -> Carrying:
    """How operations are carried out: in so many threads, but for those that must answer also when all are busy."""
    workers, apart = CapacityLimiter(threads), CapacityLimiter(1)

    async def carry(operation: Operation, incoming: Incoming) -> Outgoing:
        if operation is ALIVE:
            return api.answer(operation, incoming)
        limiter = apart if operation is READY else workers
        return await to_thread.run_sync(partial(api.answer, operation, incoming), limiter=limiter)

    return carry


def _endpoint(
    operations: Mapping[str, Operation], carry: Carrying, *, trusted_proxies: int
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        headers: dict[str, list[str]] = defaultdict(list)
        for name, value in request.scope["headers"]:
            headers[name.decode("latin-1")].append(value.decode("latin-1"))
        incoming = Incoming(
            path=request.scope["path"],
            ids=request.path_params,
            query=request.query_params.multi_items(),
            headers=headers,
            body=await request.body(),
            address=client_address(
                request.client.host if request.client else "unknown",
                headers.get("x-forwarded-for", ()),
                trusted_proxies=trusted_proxies,
            ),
        )
        return _response(await carry(operations[request.method], incoming))

    return endpoint


def _response(outgoing: Outgoing) -> Response:
    return Response(outgoing.body, outgoing.status, dict(outgoing.headers))


async def _refused(_: Request, error: Exception) -> Response:
    """What the router refuses: a path or a method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101 # it is registered for these alone
    if error.status_code == 405:
        return _response(method_answer((error.headers or {}).get("Allow", "").split(", ")))
    return _response(problem_answer(NO_SUCH_OPERATION))


def _lifespan(container: Container, hub: Hub) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        background = Background(container)
        if container.settings().background == "on":
            background.start()
        hub.start()
        try:
            yield
        finally:
            await asyncio.gather(hub.stop(), to_thread.run_sync(background.stop))
            container.close()

    return lifespan
