"""Commits that are known by nothing of their own: each is carried out once, and told by what it found."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.aws.failures import Reason
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Action, Item, Operation, Purpose, number
from adapters.dynamodb.tables import EXPIRES
from telemed_core.domain.instants import EPOCH

COLLECTED_AFTER: Final = timedelta(days=1)
"""How long what does not count any more is left before it may be collected."""

IS_NEW: Final = "attribute_not_exists(PK)"
CONDITION_FAILED: Final = "ConditionalCheckFailed"
"""The code of a reason that the condition of its action did not hold."""

Found = Mapping[tuple[str, str], Item]
"""Items by their two keys."""


def commit(dynamo: Dynamo, actions: Sequence[Action], *, token: str | None = None) -> Found:
    """Carry out all of the actions or none; answers the items that refused it, as they stand; none: it is done.

    An item that is not there is empty, and so is one whose action does not ask for it. Of several that would refuse it
    not all need be among them.

    Args:
        token: under which it is carried out once for ten minutes; ``None``: under one of its own.

    Raises:
        ValueError: it was refused for another reason than a condition.
    """
    reasons = dynamo.transact(actions, token or secrets.token_hex(18))
    if reasons is None:
        return {}
    refused = {
        action.key: reason.get("Item", {})
        for action, reason in zip(actions, reasons, strict=True)
        if reason["Code"] == CONDITION_FAILED
    }
    if not refused:
        raise unexpected(reasons)
    return refused


def unexpected(reasons: Sequence[Reason]) -> ValueError:
    """What tells of reasons that no action gives: a bug."""
    return ValueError(f"a transaction was cancelled by {sorted({reason['Code'] for reason in reasons})}")


def act(operation: Operation, table: str, *, purpose: Purpose = Purpose.ACCOUNT, **parameters: Any) -> Action:
    """An action on one item, by what the operation takes; one with a condition tells the item that does not meet it."""
    if "ConditionExpression" in parameters:
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return Action(purpose, operation, {"TableName": table, **parameters})


def was_read(name: str, before: int | None) -> dict[str, Any]:
    """What ``act`` takes so that the item's number is still the one that was read; ``None``: there was no item."""
    if before is None:
        return {"ConditionExpression": IS_NEW}
    return {"ConditionExpression": f"{name}=:before", "ExpressionAttributeValues": {":before": number(before)}}


def number_in(item: Item, name: str) -> int:
    return int(str(item[name]["N"]))


def collected(ends: datetime) -> Item:
    """When what counts until then may be collected."""
    return {EXPIRES: number((ends + COLLECTED_AFTER - EPOCH) // timedelta(seconds=1))}
