"""The composition root: which adapter stands behind each port, and what each use case is made of.

Each function in Lambda opens the parts of its family alone (``agendas``, ``booking``, ``sagas``, …), since what a new
process loads is what its first event waits for. ``Container`` has them all.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrypoints.container.whole import Container, open_container
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(name)
        from entrypoints.container import whole

        return getattr(whole, name)


__all__ = ["Container", "open_container"]
