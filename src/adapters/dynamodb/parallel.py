"""Reads of several partitions at the same time, and their items as one sequence."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from heapq import merge
from typing import Final, TypeVar

import attrs

from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Item
from adapters.dynamodb.tables import PARTITION_KEY, SORT_KEY

T = TypeVar("T")

MOST_THREADS: Final = 8
_PAGE: Final = 50


def together(asks: Sequence[Callable[[], T]]) -> list[T]:
    """What each of these answers, in their order; one alone needs no thread."""
    if len(asks) < 2:
        return [ask() for ask in asks]
    # Its threads end with it: a process that forks leaves none behind.
    with ThreadPoolExecutor(min(MOST_THREADS, len(asks))) as pool:
        return [*pool.map(lambda ask: ask(), asks)]


def merged(dynamo: Dynamo, queries: Sequence[Query], *, page: int = _PAGE) -> Iterator[Item]:
    """The items of these queries of one index, all in one direction, by their sort keys as they are taken.

    Args:
        page: how many are read of each at once; the first pages at the same time.
    """
    sort = queries[0].index.sort_key if queries[0].index else SORT_KEY
    firsts = together([partial(_page, dynamo, query, page) for query in queries])
    runs = [_run(dynamo, query, first, page) for query, first in zip(queries, firsts, strict=True)]
    return merge(*runs, key=lambda item: str(item[sort]["S"]), reverse=queries[0].backwards)


def _page(dynamo: Dynamo, query: Query, page: int) -> list[Item]:
    return [*dynamo.query(attrs.evolve(query, most=page))]


def _run(dynamo: Dynamo, query: Query, first: list[Item], page: int) -> Iterator[Item]:
    yield from first
    items = first
    while len(items) == page:
        items = _page(dynamo, attrs.evolve(query, after=_keys(query, items[-1])), page)
        yield from items


def _keys(query: Query, item: Item) -> Item:
    of_index = (query.index.partition_key, query.index.sort_key) if query.index else ()
    return {name: item[name] for name in (PARTITION_KEY, SORT_KEY, *of_index)}
