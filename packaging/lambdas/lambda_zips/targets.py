"""The machines that functions run on, and which wheels these take."""

import platform
import sys
from typing import Final

import attrs
from packaging.markers import default_environment

_PYTHON: Final = sys.version_info[:2]
"""Bytecode is for the Python that writes it, and so functions run on the one that packs them."""

_GLIBC: Final = 26 if _PYTHON == (3, 11) else 34
"""The 2.x that Lambda's Python stands on: Amazon Linux 2 up to 3.11, Amazon Linux 2023 from 3.12 on."""

_OLDEST: Final = 17


@attrs.frozen
class Target:
    """A kind of machine.

    Attributes:
        machine: of Lambda, as Linux names it; ``None``: the one that packs, with whatever C library it has.
    """

    machine: str | None

    def download_options(self) -> list[str]:
        """What tells pip to take its wheels."""
        if self.machine is None:
            return []
        platforms = [
            *(f"manylinux_2_{minor}_{self.machine}" for minor in range(_GLIBC, _OLDEST - 1, -1)),
            f"manylinux2014_{self.machine}",
        ]
        major, minor = _PYTHON
        return [
            *(f"--platform={one}" for one in platforms),
            f"--python-version={major}.{minor}",
            "--implementation=cp",
            *(f"--abi={abi}" for abi in (f"cp{major}{minor}", "abi3", "none")),
        ]

    def environment(self) -> dict[str, str]:
        """What requirements with conditions ask for."""
        known = {name: str(value) for name, value in default_environment().items()}
        if self.machine is None:
            return known
        return known | {
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_system": "Linux",
            "sys_platform": "linux",
        }

    def __str__(self) -> str:
        machine = platform.machine() if self.machine is None else f"Lambda's {self.machine} (glibc 2.{_GLIBC})"
        return f"Python {'.'.join(map(str, _PYTHON))} on {machine}"


TARGETS: Final = {"linux-arm64": Target("aarch64"), "linux-x86_64": Target("x86_64"), "here": Target(None)}
