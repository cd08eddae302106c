"""A process whose connections come to a meeting, speak and go, and which now and then frees what another has."""

import json
import sys
from typing import Final

from adapters.sealing import open_sealing
from adapters.sql import open_sql
from telemed_core.domain.signals import SignalKind
from telemed_core.errors import SeatLostError
from telemed_core.testing.contracts.signals import a_seat

PROCESSES: Final = 4
SEATS: Final = 8
SAID: Final = 5


def talk(url: str, process: int) -> dict[str, int]:
    """How many messages of each of its connections were taken."""
    stores = open_sql(url, sealing=open_sealing(pepper=b"p" * 32, data_key=b"d" * 32), migrate=False)
    said: dict[str, int] = {}
    for number in range(SEATS):
        seat = a_seat(f"{'dp'[process % 2]}-{process}-{number}")
        said[seat.connection] = 0
        stores.signals.enter(seat, owner=f"host:{process}:0")
        try:
            for count in range(1, SAID + 1):
                data = json.dumps(f"{seat.connection}:{count}")
                stores.signals.append(seat, number=count, kind=SignalKind.CANDIDATE, data=data)
                said[seat.connection] = count
        except SeatLostError:
            continue
        stores.signals.leave(seat)
        stores.signals.free([f"host:{(process + 1) % PROCESSES}:0"])
    stores.close()
    return said


if __name__ == "__main__":
    print(json.dumps(talk(sys.argv[1], int(sys.argv[2]))))
