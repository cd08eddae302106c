"""What is asked of DynamoDB for each read and write, and what is made of its answers."""

from typing import Any

import pytest

from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.dynamodb.access import Dynamo, Query, Refused, Terms
from adapters.dynamodb.actions import key, number, pair, text
from adapters.dynamodb.plan import plan, request_token
from adapters.dynamodb.tables import BY_PATIENT, TABLES
from integration.aws.dynamodb_scripts import Answer, Scripted
from telemed_core.errors import BusyError, UnavailableError
from unit.adapters.dynamodb_commits import MIDDAY, ask, command, seal

TABLE = TABLES.scheduling
AT = key("A#1", "M")
ITEM = {**AT, "rev": number(1)}
NEW = Terms("attribute_not_exists(PK)")


def opened(*answers: Answer) -> tuple[Dynamo, Scripted]:
    script = Scripted(*answers)
    return Dynamo(script, patience=Patience(sleep=lambda _: None)), script


def failed(item: Any = None) -> AwsError:
    return AwsError("dynamodb", "PutItem", "ConditionalCheckFailedException", 400, item=item)


def batch(*items: Any, left: Any = ()) -> dict[str, Any]:
    unprocessed = {TABLE.name: {"Keys": list(left), "ConsistentRead": True}} if left else {}
    return {"Responses": {TABLE.name: list(items)}, "UnprocessedKeys": unprocessed}


def test_an_item_is_read_as_it_stands() -> None:
    dynamo, script = opened({"Item": ITEM}, {})
    assert (dynamo.get(TABLE, AT), dynamo.get(TABLE, AT)) == (ITEM, None)
    assert script.asked[0] == ("GetItem", {"TableName": "scheduling", "Key": AT, "ConsistentRead": True})


def test_keys_of_a_batch_that_were_not_processed_are_asked_for_again_and_no_others() -> None:
    keys = [key(f"A#{n}", "M") for n in range(3)]
    dynamo, script = opened(batch(keys[0], left=keys[1:]), batch(keys[2], left=keys[1:2]), batch())
    assert dynamo.batch_get(TABLE, keys) == {pair(keys[0]): keys[0], pair(keys[2]): keys[2]}
    asked = [request["RequestItems"]["scheduling"]["Keys"] for request in script.requests]
    assert asked == [keys, keys[1:], keys[1:2]]
    assert all(request["RequestItems"]["scheduling"]["ConsistentRead"] for request in script.requests)


def test_a_batch_that_never_gets_through_is_busy() -> None:
    dynamo, script = opened(*[batch(left=[AT])] * MOST_TRIES)
    with pytest.raises(BusyError):
        dynamo.batch_get(TABLE, [AT])
    assert len(script.asked) == MOST_TRIES


def test_a_batch_asks_for_each_key_once_and_for_none_not_at_all() -> None:
    dynamo, script = opened(batch(AT))
    assert dynamo.batch_get(TABLE, []) == {}
    assert dynamo.batch_get(TABLE, [AT, dict(AT)]) == {pair(AT): AT}
    assert script.requests[0]["RequestItems"]["scheduling"]["Keys"] == [AT]


def test_a_query_of_the_table_is_consistent_and_one_of_an_index_is_not() -> None:
    dynamo, script = opened({"Items": []}, {"Items": []})
    list(dynamo.query(Query(table=TABLE, partition="A#1", begins="E#")))
    list(dynamo.query(Query(table=TABLE, partition="P#1", index=BY_PATIENT, low="a", high="b", backwards=True)))
    of_table, of_index = script.requests
    assert of_table == {
        "TableName": "scheduling",
        "KeyConditionExpression": "PK=:of AND begins_with(SK,:begins)",
        "ExpressionAttributeValues": {":of": text("A#1"), ":begins": text("E#")},
        "ScanIndexForward": True,
        "ConsistentRead": True,
    }
    assert of_index == {
        "TableName": "scheduling",
        "IndexName": "GSI1",
        "KeyConditionExpression": "GSI1PK=:of AND GSI1SK BETWEEN :low AND :high",
        "ExpressionAttributeValues": {":of": text("P#1"), ":low": text("a"), ":high": text("b")},
        "ScanIndexForward": False,
    }


def test_a_query_takes_pages_until_there_are_no_more_or_enough() -> None:
    pages = [{"Items": [ITEM, ITEM], "LastEvaluatedKey": AT}, {"Items": [], "LastEvaluatedKey": AT}, {"Items": [ITEM]}]
    dynamo, script = opened(*pages, *pages)
    assert len(list(dynamo.query(Query(table=TABLE, partition="A#1")))) == 3
    assert [request.get("ExclusiveStartKey") for request in script.requests] == [None, AT, AT]
    assert len(list(dynamo.query(Query(table=TABLE, partition="A#1", most=3)))) == 3
    assert [request["Limit"] for request in script.requests[3:]] == [3, 1, 1]


def test_a_query_that_has_enough_asks_for_no_more() -> None:
    dynamo, script = opened({"Items": [ITEM, ITEM], "LastEvaluatedKey": AT})
    assert len(list(dynamo.query(Query(table=TABLE, partition="A#1", most=2)))) == 2
    assert len(script.asked) == 1


def test_a_write_names_its_terms_and_asks_for_the_item_that_stands_in_its_way() -> None:
    dynamo, script = opened(failed(ITEM), failed(), failed(ITEM))
    on = Terms("#n=:rev", {":rev": number(2)}, {"#n": "rev"})
    assert dynamo.put(TABLE, ITEM, on=NEW) == Refused(ITEM)
    assert dynamo.delete(TABLE, AT, on=on) == Refused(None)
    assert dynamo.update(TABLE, AT, "SET #n=:rev", on=on) == Refused(ITEM)
    assert script.asked[0][1] == {
        "TableName": "scheduling",
        "Item": ITEM,
        "ConditionExpression": "attribute_not_exists(PK)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    changed = script.asked[2][1]
    assert changed["ExpressionAttributeNames"] == {"#n": "rev"}
    assert changed["ExpressionAttributeValues"] == {":rev": number(2)}
    assert changed["ReturnValues"] == "ALL_NEW"


def test_a_write_on_any_terms_names_none() -> None:
    dynamo, script = opened({}, {}, {"Attributes": ITEM})
    assert dynamo.put(TABLE, ITEM) is None
    assert dynamo.delete(TABLE, AT) is None
    assert dynamo.update(TABLE, AT, "REMOVE rev") == ITEM
    assert script.requests[:2] == [{"TableName": "scheduling", "Item": ITEM}, {"TableName": "scheduling", "Key": AT}]


def test_a_write_is_repeated_after_a_lost_answer_only_where_that_does_the_same() -> None:
    dynamo, script = opened(*[LostAnswerError(), {}] * 2, LostAnswerError())
    assert dynamo.put(TABLE, ITEM) is None
    assert dynamo.delete(TABLE, AT) is None
    with pytest.raises(UnavailableError):
        dynamo.put(TABLE, ITEM, on=NEW)
    assert len(script.asked) == 5


def test_a_write_waits_contention_out_whatever_its_terms() -> None:
    dynamo, _ = opened(BusyError(), BusyError(), {})
    assert dynamo.put(TABLE, ITEM, on=NEW) is None


@pytest.mark.parametrize("trouble", [LostAnswerError, BusyError])
def test_a_transaction_is_repeated_as_it_was_with_the_same_token(trouble: type[Exception]) -> None:
    actions = plan(ask(MIDDAY), command(), seal=seal)
    dynamo, script = opened(trouble(), {})
    assert dynamo.transact(actions, request_token(command(), actions)) is None
    first, second = script.requests
    assert first == second
    assert first["ClientRequestToken"] == request_token(command(), actions)


def test_a_cancelled_transaction_answers_its_reasons_and_is_not_repeated() -> None:
    reasons = ({"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": ITEM}, {"Code": "TransactionConflict"})
    dynamo, script = opened(AwsError("dynamodb", "TransactWriteItems", "TransactionCanceledException", reasons=reasons))
    assert dynamo.transact(plan(ask(MIDDAY), command(), seal=seal), "token") == reasons
    assert len(script.asked) == 1


@pytest.mark.parametrize("code", ["IdempotentParameterMismatchException", "ValidationException"])
def test_what_is_wrong_with_a_request_itself_is_a_bug(code: str) -> None:
    dynamo, _ = opened(*[AwsError("dynamodb", "TransactWriteItems", code, 400)] * 2)
    with pytest.raises(AwsError):
        dynamo.transact(plan(ask(MIDDAY), command(), seal=seal), "token")
    with pytest.raises(AwsError):
        dynamo.put(TABLE, ITEM, on=NEW)
