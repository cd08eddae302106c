"""The secrets of private calendars in memory."""

import attrs

from adapters.memory.state import State
from telemed_core.domain.ids import AccountId


@attrs.frozen
class MemoryFeeds:
    """Calendar secrets in memory."""

    _state: State

    def open(self, account_id: AccountId, secret: str, /) -> str:
        with self._state.lock:
            return self._state.feeds.setdefault(account_id, secret)

    def find(self, secret: str, /) -> AccountId | None:
        with self._state.lock:
            return next((one for one, kept in self._state.feeds.items() if kept == secret), None)

    def revoke(self, account_id: AccountId, /) -> None:
        with self._state.lock:
            self._state.feeds.pop(account_id, None)
