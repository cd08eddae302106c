"""Opens the stores of one new, empty memory."""

from adapters.memory.accounts import MemoryAccounts, MemoryPatients
from adapters.memory.appointments import MemoryAppointments
from adapters.memory.doctors import MemoryDoctors
from adapters.memory.feeds import MemoryFeeds
from adapters.memory.ledger import MemoryLedger
from adapters.memory.meetings import MemoryMeetings
from adapters.memory.notices import MemoryNotices
from adapters.memory.ratings import MemoryRatings
from adapters.memory.sagas import MemorySagaLog
from adapters.memory.schedules import MemorySchedules
from adapters.memory.signals import MemorySignals
from adapters.memory.signing_in import MemoryAttempts, MemoryCredentials, MemorySessions
from adapters.memory.state import MemoryReceipts, MemoryTexts, State
from telemed_core.ports.storage import Stores


def open_memory() -> Stores:
    """The stores of one memory, shared by all threads that use them."""
    state = State()
    return Stores(
        accounts=MemoryAccounts(state),
        doctors=MemoryDoctors(state),
        patients=MemoryPatients(state),
        schedules=MemorySchedules(state),
        appointments=MemoryAppointments(state),
        receipts=MemoryReceipts(state),
        texts=MemoryTexts(state),
        ledger=MemoryLedger(state),
        credentials=MemoryCredentials(state),
        sessions=MemorySessions(state),
        attempts=MemoryAttempts(state),
        sagas=MemorySagaLog(state),
        notices=MemoryNotices(state),
        feeds=MemoryFeeds(state),
        meetings=MemoryMeetings(state),
        signals=MemorySignals(state),
        ratings=MemoryRatings(state),
        check=lambda: None,
        close=lambda: None,
    )
