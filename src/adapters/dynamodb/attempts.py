"""Wrong passwords on DynamoDB."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo, Terms
from adapters.dynamodb.actions import Item, key, number, pair, text
from adapters.dynamodb.settling import IS_NEW, act, collected, commit, number_in
from adapters.serialization import instant_of, microseconds
from telemed_core.domain.attempts import Failures
from telemed_core.errors import BusyError

MOST_RUNS: Final = 40
"""How often a change of what others change too is tried; wrong passwords lock before there are more at once."""
LONGEST_RUN: Final = 5.0
"""Seconds after which it is not tried again."""

_SAME_COUNT: Final = "failures=:failures AND ends=:ends AND locked=:locked AND seq=:seq"
_FORGOTTEN: Final = key("F", "FORGOTTEN")


def attempts_key(of: str) -> Item:
    return key(f"F#{of}", "M")


@attrs.frozen
class DynamoAttempts:
    """Wrong passwords on DynamoDB.

    What is forgotten is not looked for: each count remembers how often there has been a forgetting before it, and
    of those before the last one it does not count what counted until then only. It is collected later.
    """

    _dynamo: Dynamo
    _patience: Patience = attrs.field(factory=lambda: Patience(most_tries=MOST_RUNS, longest=LONGEST_RUN))

    def read(self, keys: Collection[str], /) -> Mapping[str, Failures]:
        if not keys:
            return {}
        found, forgetting = self._found(keys)
        counting = ((of, _counted(found.get(pair(attempts_key(of))), forgetting)) for of in dict.fromkeys(keys))
        return {of: failures for of, failures in counting if failures is not None}

    def change(self, key: str, change: Callable[[Failures | None], Failures | None], /) -> None:
        self._patience(lambda: self._change(key, change), repeatable=False)

    def _change(self, of: str, change: Callable[[Failures | None], Failures | None]) -> None:
        found, forgetting = self._found((of,))
        kept = found.get(pair(attempts_key(of)))
        before = _counted(kept, forgetting)
        after = change(before)
        if after == before:
            return
        on: dict[str, Any] = {"ConditionExpression": IS_NEW}
        if kept:
            on = {"ConditionExpression": _SAME_COUNT, "ExpressionAttributeValues": _count_in(kept)}
        table = self._dynamo.tables.accounts.name
        if after is not None:
            action = act("Put", table, Item=_attempts_item(of, after, forgetting), **on)
        else:
            action = act("Delete", table, Key=attempts_key(of), **on)
        if commit(self._dynamo, [action]):
            raise BusyError

    def forget(self, *, now: datetime) -> None:
        terms = Terms(values={":now": number(microseconds(now)), ":one": number(1)})
        change = "SET forgotten=:now ADD seq :one"
        # Two are as good as one.
        self._dynamo.update(self._dynamo.tables.accounts, _FORGOTTEN, change, on=terms, repeatable=True)

    def _found(self, keys: Collection[str]) -> tuple[Mapping[tuple[str, str], Item], Item]:
        asked = [*(attempts_key(of) for of in keys), _FORGOTTEN]
        found = self._dynamo.batch_get(self._dynamo.tables.accounts, asked)
        return found, found.get(pair(_FORGOTTEN), {})


def _attempts_item(of: str, failures: Failures, forgetting: Item) -> Item:
    locked = "" if failures.locked_until is None else str(microseconds(failures.locked_until))
    return {
        **attempts_key(of),
        "failures": number(failures.count),
        "ends": number(microseconds(failures.until)),
        "locked": text(locked),
        "seq": number(number_in(forgetting, "seq") if forgetting else 0),
        **collected(failures.until),
    }


def _count_in(item: Item) -> Item:
    return {f":{name}": item[name] for name in ("failures", "ends", "locked", "seq")}


def _counted(item: Item | None, forgetting: Item) -> Failures | None:
    """What is kept, if it has not been forgotten since."""
    if item is None:
        return None
    since = bool(forgetting) and number_in(item, "seq") < number_in(forgetting, "seq")
    if since and number_in(item, "ends") <= number_in(forgetting, "forgotten"):
        return None
    locked = str(item["locked"]["S"])
    return Failures(
        number_in(item, "failures"), instant_of(number_in(item, "ends")), instant_of(int(locked)) if locked else None
    )
