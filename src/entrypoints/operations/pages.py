"""Lists by pages: each page says where the next one begins, to whoever asked for it, and to nobody else."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from entrypoints.operations.operation import Call
from telemed_core.messages.queries import PageQuery
from telemed_core.messages.views import Page, View

T = TypeVar("T")
V = TypeVar("V", bound=View)


def page_of(
    call: Call[Any, PageQuery],
    read: Callable[[Sequence[Any] | None, int], Sequence[T]],
    *,
    position: Callable[[T], Sequence[str | int]],
    view: Callable[[Sequence[T]], Sequence[V]],
) -> Page[V]:
    """The page that was asked for; its cursor is bound to the path, the rest of the query and the caller.

    Args:
        read: answers up to so many things behind a position, ``None`` being before the first.
        position: of a thing.
        view: of the things of one page.

    Raises:
        InvalidCursorError: the cursor is not of this list.
    """
    cursors, now = call.container.cursors(), call.container.clock().now()
    asked = call.query.model_dump_json(exclude={"cursor", "limit"}, by_alias=True)
    bound_to = (call.path, asked, call.actor.id)
    after = None if call.query.cursor is None else cursors.open(call.query.cursor, bound_to=bound_to, now=now)
    limit = call.query.limit
    found = read(after, limit + 1)
    shown = found[:limit]
    more = cursors.seal(position(shown[-1]), bound_to=bound_to, now=now) if len(found) > limit else None
    return Page(items=tuple(view(shown)), next_cursor=more)
