"""Every store in one process's memory: the same promises and errors as the others, gone when the process ends."""

from adapters.memory.opening import open_memory
from adapters.memory.rooms import MemoryAttendeeTokens, MemoryMeetingRooms, open_memory_rooms

__all__ = ["MemoryAttendeeTokens", "MemoryMeetingRooms", "open_memory", "open_memory_rooms"]
