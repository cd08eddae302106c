"""The ledger on DynamoDB: all that a commit changes of one person's UTC day is one conditional update."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from adapters.dynamodb.actions import Action, Item, Purpose, pair, text
from adapters.dynamodb.items import ledger_key
from telemed_core.domain.commit import ClaimChange, Owner
from telemed_core.domain.ids import AppointmentId, PersonId
from telemed_core.domain.instants import CELLS_PER_DAY, cell_of

MOST_TESTS: Final = 150
"""How many cells one condition can test: with the ANDs between them that is 299 operators, of 300 that are allowed."""

_NUMBERS: Final = {f"k{number:03}": number for number in range(CELLS_PER_DAY)}
"""Of the cells of a day, by their attributes."""

_Cells = Mapping[int, tuple[Owner, Owner]]


def cell_name(cell: int) -> str:
    """The cell's attribute in the item of its day: k000 to k287; no reserved word, so it stands for itself."""
    return f"k{cell % CELLS_PER_DAY:03}"


def owner_in(day: Item, cell: int) -> str | None:
    """Who owns the cell by the item of its day."""
    held = day.get(cell_name(cell))
    return None if held is None else str(held["S"])


def owners_in(day: Item) -> Iterator[tuple[int, AppointmentId]]:
    """The owned cells by the item of their day, and who owns them."""
    _, date = pair(day)
    first = cell_of(datetime.fromisoformat(f"{date}T00:00:00+00:00"))
    for name, held in day.items():
        if (number := _NUMBERS.get(name)) is not None:
            yield first + number, AppointmentId(str(held["S"]))


def claim_actions(table: str, claims: Iterable[ClaimChange]) -> Iterator[Action]:
    """One update per person and day, each answering with the whole day where it is refused."""
    days: dict[tuple[PersonId, int], dict[int, tuple[Owner, Owner]]] = {}
    for claim in claims:
        for cell in claim.cells:
            days.setdefault((claim.person_id, cell // CELLS_PER_DAY), {})[cell] = (claim.before, claim.after)
    for (person, _), changed in days.items():
        cells = dict(sorted(changed.items()))
        names = {owner: f":{n}" for n, owner in enumerate(_owners(cells))}
        yield Action(
            Purpose.CLAIMS,
            "Update",
            {
                "TableName": table,
                "Key": ledger_key(person, next(iter(cells))),
                "ConditionExpression": " AND ".join(
                    f"attribute_not_exists({cell_name(cell)})" if owner is None else f"{cell_name(cell)}={names[owner]}"
                    for cell, owner in _tested(cells)
                ),
                "UpdateExpression": _update(cells, names),
                "ExpressionAttributeValues": {name: text(owner) for owner, name in names.items()},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        )


def _owners(cells: _Cells) -> Iterable[str]:
    return dict.fromkeys(owner for change in cells.values() for owner in change if owner is not None)


def _tested(cells: _Cells) -> Iterator[tuple[int, Owner]]:
    """Every cell; where that is too much for one condition, of the owned ones both ends of each owner's runs.

    An owner that gives cells up is changed in the same commit under its ``rev``, and so vouches for what lies between.
    """
    all_of_them = len(cells) <= MOST_TESTS
    for cell, (owner, _) in cells.items():
        around = (cells.get(cell - 1), cells.get(cell + 1))
        if all_of_them or owner is None or any(beside is None or beside[0] != owner for beside in around):
            yield cell, owner


def _update(cells: _Cells, names: Mapping[str, str]) -> str:
    taken = ",".join(f"{cell_name(cell)}={names[after]}" for cell, (_, after) in cells.items() if after is not None)
    freed = ",".join(cell_name(cell) for cell, (_, after) in cells.items() if after is None)
    return " ".join(f"{verb} {what}" for verb, what in (("SET", taken), ("REMOVE", freed)) if what)
