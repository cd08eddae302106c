"""What an operation is: where it is found, who may call it, what it takes, does and answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import attrs

from telemed_core.domain.accounts import Account
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import SessionId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Role
from telemed_core.domain.receipts import Receipt
from telemed_core.errors import TelemedError
from telemed_core.messages.fields import Request
from telemed_core.messages.views import View

if TYPE_CHECKING:
    from entrypoints.container import Container

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Headers = Mapping[str, str]

ANYONE: Final[frozenset[Role] | None] = None
"""Nobody has to be signed in."""

SIGNED_IN: Final = frozenset(Role)
PATIENTS: Final = frozenset({Role.PATIENT})
DOCTORS: Final = frozenset({Role.DOCTOR})
PARTICIPANTS: Final = PATIENTS | DOCTORS
ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})


def role_of(account: Account) -> Role:
    """What the account's owner may do."""
    match account:
        case Doctor():
            return Role.DOCTOR
        case Patient():
            return Role.PATIENT
        case _:
            return Role.ADMINISTRATOR


B_co = TypeVar("B_co", bound="Request | None", covariant=True)
Q_co = TypeVar("Q_co", bound="Request | None", covariant=True)


@attrs.frozen(kw_only=True)
class Incoming:
    """A request as a transport hands it on.

    Attributes:
        path: as it was asked for, without the query.
        ids: what stands for the parameters of the operation's path.
        query: names and values, in order.
        headers: by lower-case name; of those that came several times all values, in order.
        address: of the client, for limits alone.
    """

    path: str
    ids: Mapping[str, str] = attrs.Factory(dict)
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, Sequence[str]] = attrs.Factory(dict)
    body: bytes = attrs.field(default=b"", repr=False)
    address: str = "unknown"


@attrs.frozen(kw_only=True)
class Outgoing:
    """An answer as a transport sends it; without a body there is no content type."""

    status: int
    headers: Headers = attrs.Factory(dict)
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Call(Generic[B_co, Q_co]):
    """One call of an operation, its caller known and its input read."""

    container: "Container"
    path: str
    body: B_co
    query: Q_co
    ids: Mapping[str, str]
    headers: Mapping[str, Sequence[str]]
    address: str
    idempotency: Idempotency | None = None
    caller: tuple[Account, SessionId] | None = None

    @property
    def actor(self) -> Account:
        """Who calls; only in operations that need someone signed in."""
        assert self.caller is not None  # noqa: S101 # the operation says that somebody is
        return self.caller[0]

    @property
    def session_id(self) -> SessionId:
        """By which sign-in."""
        assert self.caller is not None  # noqa: S101 # as above
        return self.caller[1]


@attrs.frozen
class Answer:
    """A view with headers of its own."""

    view: View | None
    headers: Headers = attrs.Factory(dict)


@attrs.frozen
class File:
    """An answer that is no JSON, of its operation's media type."""

    content: bytes = attrs.field(repr=False)
    headers: Headers = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Operation:
    """One operation of the API.

    Attributes:
        name: its ``operationId``.
        path: with parameters in braces, such as ``/v1/doctors/{id}``.
        about: one sentence for the reader of the OpenAPI document.
        details: what that reader has to know beyond it, in Markdown.
        tag: the group it is shown in.
        roles: who may call it; ``ANYONE``: also somebody not signed in.
        body, query: what its input is read as, the body by the caller's role where it depends on that; ``None``: it
            takes none.
        status, view: of a success; several views: one of them, by who asks; ``None``: without a body.
        media_type: of a success that is a file, in place of a view.
        refusals: errors that it can end with, beside those that follow from the fields here.
        replay: what a repeat under the same ``Idempotency-Key`` answers; ``None``: it takes no key.
        request_headers: those that it reads, by name, with what they are.
        answer_headers: those that a success has, by name, with what they are.
        links: operations that a success leads to, each with what of the answer goes into its path's ``id``.
    """

    name: str
    method: Method
    path: str
    about: str
    details: str = ""
    tag: str
    roles: frozenset[Role] | None
    status: int = 200
    body: type[Request] | Mapping[Role, type[Request]] | None = None
    query: type[Request] | None = None
    view: type[View] | tuple[type[View], ...] | None = None
    media_type: str | None = None
    refusals: tuple[type[TelemedError], ...] = ()
    act: Callable[[Call[Any, Any]], View | Answer | File | None]
    replay: Callable[[Call[Any, Any], Receipt], View] | None = None
    request_headers: Mapping[str, str] = attrs.Factory(dict)
    answer_headers: Mapping[str, str] = attrs.Factory(dict)
    links: Mapping[str, str] = attrs.Factory(dict)
