"""Reading and writing items on the emulator: all that stores are made of, and how many round trips it takes."""

from collections.abc import Iterable

from adapters.dynamodb.access import Dynamo, Query, Refused, Terms
from adapters.dynamodb.actions import Item, binary, key, number, pair, text
from adapters.dynamodb.tables import BY_PATIENT
from integration.emulator.faulty import Faulty

NEW = Terms("attribute_not_exists(PK)")


def numbered(n: int, **more: str) -> Item:
    return {**key("A#1", f"E#{n:06}"), "n": number(n), **{name: text(value) for name, value in more.items()}}


def numbers(items: Iterable[Item]) -> list[int]:
    return [int(str(item["n"]["N"])) for item in items]


def fill(dynamo: Dynamo, count: int, **more: str) -> None:
    for n in range(1, count + 1):
        assert dynamo.put(dynamo.tables.scheduling, numbered(n, **more)) is None


def test_what_was_put_is_got_and_what_was_not_is_none(dynamo: Dynamo) -> None:
    item = {**numbered(1), "sealed": binary(b"\x00\xff")}
    dynamo.put(dynamo.tables.clinical, item)
    assert dynamo.get(dynamo.tables.clinical, key("A#1", "E#000001")) == item
    assert dynamo.get(dynamo.tables.clinical, key("A#1", "E#000002")) is None


def test_a_batch_of_more_than_a_hundred_is_got_a_hundred_in_each_round_trip(dynamo: Dynamo, faulty: Faulty) -> None:
    fill(dynamo, 130)
    faulty.forget()
    asked = [key("A#1", f"E#{n:06}") for n in (*range(131), 1, 1)]
    found = dynamo.batch_get(dynamo.tables.scheduling, asked)
    assert found == {pair(numbered(n)): numbered(n) for n in range(1, 131)}
    assert faulty.sent == {"BatchGetItem": 2}


def test_a_query_goes_over_all_pages_and_asks_for_none_that_nobody_takes(dynamo: Dynamo, faulty: Faulty) -> None:
    # A page ends after 1 MB.
    fill(dynamo, 6, body="x" * 300_000)
    faulty.forget()
    items = dynamo.query(Query(table=dynamo.tables.scheduling, partition="A#1"))
    assert faulty.round_trips == 0
    assert numbers([next(items)]) == [1]
    assert faulty.round_trips == 1
    assert numbers(items) == [2, 3, 4, 5, 6]
    assert faulty.round_trips > 1


def test_a_query_takes_a_part_in_either_direction(dynamo: Dynamo) -> None:
    fill(dynamo, 9)
    table = dynamo.tables.scheduling
    dynamo.put(table, {**key("A#1", "M"), "n": number(99)})
    dynamo.put(table, {**key("A#2", "E#000001"), "n": number(98)})

    def found(**asked: object) -> list[int]:
        return numbers(dynamo.query(Query(table=table, partition="A#1", **asked)))

    assert found() == [*range(1, 10), 99]
    assert found(begins="E#") == [*range(1, 10)]
    assert found(begins="E#", most=3) == [1, 2, 3]
    assert found(begins="E#", most=3, backwards=True) == [9, 8, 7]
    assert found(low="E#000003", high="E#000005") == [3, 4, 5]
    assert found(low="E#000008") == [8, 9, 99]
    assert found(high="E#000002") == [1, 2]
    assert found(most=0) == []
    assert found(after=key("A#1", "E#000007"), begins="E#") == [8, 9]
    assert found(after=key("A#1", "E#000003"), begins="E#", backwards=True) == [2, 1]


def test_a_query_of_an_index_finds_what_has_its_attributes_and_goes_on_after_any_of_them(dynamo: Dynamo) -> None:
    table = dynamo.tables.scheduling
    patient = {BY_PATIENT.partition_key: text("P#1")}
    for n in range(1, 6):
        indexed = {**patient, BY_PATIENT.sort_key: text(f"2026-01-0{n}")} if n != 3 else {}
        dynamo.put(table, {**key(f"A#{n}", "M"), "n": number(n), **indexed})
    asked = Query(table=table, index=BY_PATIENT, partition="P#1")
    assert numbers(dynamo.query(asked)) == [1, 2, 4, 5]
    last = {**key("A#2", "M"), **patient, BY_PATIENT.sort_key: text("2026-01-02")}
    rest = Query(table=table, index=BY_PATIENT, partition="P#1", after=last, most=1)
    assert numbers(dynamo.query(rest)) == [4]


def test_a_condition_that_does_not_hold_writes_nothing_and_shows_the_item(dynamo: Dynamo) -> None:
    table = dynamo.tables.accounts
    first, other = numbered(1), numbered(1, said="other")
    assert dynamo.put(table, first, on=NEW) is None
    assert dynamo.put(table, other, on=NEW) == Refused(first)
    at = key("A#1", "E#000001")
    other_rev = Terms("n=:n", {":n": number(7)})
    assert dynamo.delete(table, at, on=other_rev) == Refused(first)
    assert dynamo.update(table, at, "SET n=:n", on=Terms("n>:n", {":n": number(7)})) == Refused(first)
    assert dynamo.get(table, at) == first
    assert dynamo.delete(table, at) is None
    assert dynamo.get(table, at) is None
    assert dynamo.delete(table, at, on=other_rev) == Refused(None)


def test_an_update_answers_the_item_as_it_is_then(dynamo: Dynamo) -> None:
    table = dynamo.tables.accounts
    add = Terms(values={":one": number(1)}, names={"#count": "count"})
    at = key("A#1", "COUNT")
    for n in (1, 2):
        assert dynamo.update(table, at, "ADD #count :one", on=add) == {**at, "count": number(n)}
