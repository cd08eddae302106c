"""Just enough of DynamoDB to run a plan: items in a dictionary, and the expressions that plans are written in."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from adapters.dynamodb.actions import Action

KILOBYTE = 1024
MOST_ACTIONS = 100
MOST_OPERATORS = 300

Item = dict[str, Any]
At = tuple[str, tuple[str, str]]

_TEST = re.compile(r"(attribute_exists|attribute_not_exists)\((\w+)\)|(\w+)(<=|=)(:\w+)").fullmatch
_CLAUSE = re.compile(r"(SET|REMOVE|ADD) ([\w=:, ]+?)(?= SET | REMOVE | ADD |$)").finditer
_OPERATOR = re.compile(r"attribute_(?:not_)?exists\(|<=|=|AND|OR").findall


class Interpreter:
    """Transactions over items, whole or not at all."""

    def __init__(self) -> None:
        self.items: dict[At, Item] = {}

    def write(self, actions: Sequence[Action]) -> list[dict[str, Any]] | None:
        """``None``: written; otherwise the reasons why nothing was."""
        reasons = [self._reason(action) for action in actions]
        if any(reason["Code"] != "None" for reason in reasons):
            return reasons
        for action in actions:
            self._apply(action)
        return None

    def _reason(self, action: Action) -> dict[str, Any]:
        old = self.items.get((action.table, action.key))
        condition = action.parameters.get("ConditionExpression")
        values = action.parameters.get("ExpressionAttributeValues", {})
        if condition is None or _holds(condition, old or {}, values):
            return {"Code": "None"}
        shown = old is not None and action.parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return {"Code": "ConditionalCheckFailed", **({"Item": deepcopy(old)} if shown else {})}

    def _apply(self, action: Action) -> None:
        at = (action.table, action.key)
        if action.operation == "Put":
            self.items[at] = dict(action.parameters["Item"])
        elif action.operation == "Update":
            item = self.items.setdefault(at, dict(action.parameters["Key"]))
            values = action.parameters["ExpressionAttributeValues"]
            for clause in _CLAUSE(action.parameters["UpdateExpression"]):
                _change(item, clause[1], clause[2], values)


def _holds(condition: str, item: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    assert not (" AND " in condition and " OR " in condition), "the interpreter knows no precedence"
    if " OR " in condition:
        return any(_holds(one, item, values) for one in condition.split(" OR "))
    return all(_test(one, item, values) for one in condition.split(" AND "))


def _test(test: str, item: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    found = _TEST(test)
    assert found, f"the interpreter does not know {test}"
    function, argument, name, comparator, value = found.groups()
    if function:
        return (argument in item) is (function == "attribute_exists")
    return name in item and _compare(item[name], comparator, values[value])


def _compare(left: Mapping[str, Any], comparator: str, right: Mapping[str, Any]) -> bool:
    if comparator == "=" or left.keys() != right.keys():
        return comparator == "=" and left == right
    return int(left["N"]) <= int(right["N"]) if "N" in left else left["S"] <= right["S"]


def _change(item: Item, verb: str, what: str, values: Mapping[str, Any]) -> None:
    for one in what.split(","):
        if verb == "SET":
            name, value = one.split("=")
            item[name] = values[value]
        elif verb == "ADD":
            name, value = one.split(" ")
            item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}
        else:
            item.pop(one, None)


def expressions(action: Action) -> list[str]:
    names = ("ConditionExpression", "UpdateExpression")
    return [action.parameters[name] for name in names if name in action.parameters]


def operators(condition: str) -> int:
    """Comparators, functions, ANDs and ORs."""
    return len(_OPERATOR(condition))


def size(item: Mapping[str, Any]) -> int:
    """Names and values in bytes, as an item's size is counted."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items())


def _size_of(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "BOOL":
        return 1
    return len(content) if isinstance(content, bytes) else len(content.encode())


def assert_within_limits(actions: Sequence[Action]) -> None:
    """What DynamoDB refuses whatever the items are."""
    assert len(actions) <= MOST_ACTIONS, f"{len(actions)} actions in one transaction"
    assert len({(action.table, action.key) for action in actions}) == len(actions), "two actions on one item"
    for action in actions:
        values = action.parameters.get("ExpressionAttributeValues", {})
        used: set[str] = set()
        for expression in expressions(action):
            assert len(expression.encode()) <= 4 * KILOBYTE
            used.update(re.findall(r":\w+", expression))
        assert operators(action.parameters.get("ConditionExpression", "")) <= MOST_OPERATORS
        assert used == values.keys(), "a value is missing or not used"
        assert size(values) <= 16 * KILOBYTE
        assert size(action.parameters.get("Item", {})) <= 16 * KILOBYTE
        assert all(0 < len(part.encode()) <= KILOBYTE for part in action.key)
    assert sum(size(action.parameters.get("Item", {})) for action in actions) <= 4 * KILOBYTE * KILOBYTE
