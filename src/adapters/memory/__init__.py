"""Every store in one process's memory: the same promises and errors as the others, gone when the process ends."""

from adapters.memory.opening import open_memory

__all__ = ["open_memory"]
