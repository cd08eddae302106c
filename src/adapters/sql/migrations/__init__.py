"""The history of the tables; every change of ``adapters.sql.tables`` is a revision more."""

from typing import Final

HEAD: Final = "0004"
"""The revision that ``adapters.sql.tables`` stands for."""
