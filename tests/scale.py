"""How much the tests do: ``TELEMED_TEST_SCALE`` is ``ci`` (the default) or ``deep``."""

import os

DEEP = os.environ.get("TELEMED_TEST_SCALE", "ci") == "deep"


def scaled(deep: int, *, ci: int | None = None) -> int:
    """``deep`` times under ``make deep``; else ``ci`` times, a tenth where nothing is said."""
    return deep if DEEP else (max(1, deep // 10) if ci is None else ci)
