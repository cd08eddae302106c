"""How an adapter reaches a service: one function, behind which botocore stands, and nothing that needs it."""

import os
from collections.abc import Collection, Mapping
from functools import cache
from threading import Lock
from typing import Any, Final, Protocol

from adapters.aws.failures import Failures, LostAnswerError
from telemed_core.errors import BusyError, InvalidError

CONNECT_TIMEOUT: Final = 1.0
READ_TIMEOUT: Final = 3.0
"""Seconds; a long poll has to end well before."""
_ONE_BY_ONE: Final = Lock()
"""Clients are made so: what they share of a session is not made for threads."""
_WITHOUT_A_REGION: Final = "us-east-1"
"""An emulator takes any; it is only signed with."""


class Call(Protocol):
    """Carries out one operation of a service.

    Raises:
        AwsError: the service has refused the request; the code says why.
        BusyError: it was throttled, or in conflict with others; nothing was done.
        LostAnswerError: it is not known whether it was carried out.
        UnavailableError: the service, or what we have there, cannot be used; nothing was done.
    """

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        """What the service answers.

        Args:
            operation: in the API's own spelling, such as ``TransactWriteItems``.
            request: its parameters in the API's own spelling, binary ones as bytes.
        """
        ...


def open_call(
    service: str,
    *,
    connections: int,
    region: str | None = None,
    endpoint_url: str | None = None,
    reads: Collection[str] = (),
) -> Call:
    """Calls to one service by one client of this process, for all of its threads; a fork's child gets its own.

    Credentials are looked for in the usual places, when something is called.

    Args:
        service: botocore's name of it, such as ``dynamodb``.
        connections: how many calls run at the same time, that is, how many threads there are.
        region: where it is; ``None``: as ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the AWS configuration says.
        endpoint_url: where it answers instead of at AWS; no region has to be known then.
        reads: the operations that change nothing: they are repeated once where the answer was lost or refused for load.
            All others are sent once: who sends them knows whether they may be repeated. Who has patience names none.

    Raises:
        InvalidError: no region is known, or the endpoint is no URL.
    """
    clients = _Clients(service, connections, region, endpoint_url)
    clients.here()
    return _Calls(clients, Failures(service), frozenset(reads))


class _Clients:
    """One client in each process, made by the process itself: a child cannot share its parent's connections."""

    def __init__(self, service: str, connections: int, region: str | None, endpoint_url: str | None) -> None:
        self._service, self._connections = service, connections
        self._region, self._endpoint_url = region, endpoint_url
        # A parent's stays referenced: closing its connections from here would break them for the parent.
        self._opened: dict[int, tuple[Any, Mapping[str, str]]] = {}

    def here(self) -> tuple[Any, Mapping[str, str]]:
        """The client, and the names of its methods by those of operations."""
        opened = self._opened.get(os.getpid())
        if opened is None:
            with _ONE_BY_ONE:
                opened = self._opened.get(os.getpid()) or self._open()
                self._opened[os.getpid()] = opened
        return opened

    def _open(self) -> tuple[Any, Mapping[str, str]]:
        from botocore.config import Config  # noqa: PLC0415 # who calls no service does not load it
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=self._connections,
            tcp_keepalive=True,
            # A third of what sending a transaction of nine items costs; services check what they are sent.
            parameter_validation=False,
            # Reads are repeated here: whether a call may be depends on the operation, which botocore is not told.
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        try:
            session = _session(os.getpid())
            region = self._where(session)
            client = session.create_client(
                self._service, region_name=region, endpoint_url=self._endpoint_url, config=config
            )
        except InvalidError:
            raise
        except BotoCoreError as error:
            raise InvalidError("aws", f"It cannot be set up like this: {type(error).__name__}.") from None
        except ValueError:
            # Its text repeats the address, which may hold a password.
            raise InvalidError("endpoint_url", "It is no URL.") from None
        return client, {operation: method for method, operation in client.meta.method_to_api_mapping.items()}

    def _where(self, session: Any) -> str:
        known = self._region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
        if not known and self._endpoint_url is None:
            raise InvalidError("region", "Say in which region of AWS it is.")
        return known or _WITHOUT_A_REGION


@cache
def _session(process: int) -> Any:  # noqa: ARG001 # the cache is asked for it
    """What the clients of a process share: the definitions of services, and credentials."""
    import botocore.session  # noqa: PLC0415 # see above

    from adapters.aws.definitions import Definitions  # noqa: PLC0415 # they import botocore
    from adapters.aws.parsing import Parsers  # noqa: PLC0415

    session = botocore.session.get_session()
    session.register_component("data_loader", Definitions())
    session.register_component("response_parser_factory", Parsers())
    return session


class _Calls:
    def __init__(self, clients: _Clients, failures: Failures, reads: frozenset[str]) -> None:
        self._clients, self._failures, self._reads = clients, failures, reads

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation in self._reads:
            try:
                return self._once(operation, request)
            except (BusyError, LostAnswerError):
                pass
        return self._once(operation, request)

    def _once(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        client, methods = self._clients.here()
        send = getattr(client, methods[operation])
        failure: Exception | None
        try:
            answer: Mapping[str, Any] = send(**request)
        except Exception as error:
            failure = self._failures.told(operation, error)
            if failure is None:
                raise
        else:
            failure = self._failures.of_success(operation, answer)
            if failure is None:
                return answer
        # Not from inside: what botocore says repeats the request, and would come along as the context.
        raise failure
