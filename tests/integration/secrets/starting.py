"""A process that opens a data folder with others: says ``ready``, waits for a line, registers, says what it saw."""

import hashlib
import json
import sys
from pathlib import Path

from entrypoints.container import Container, open_container
from entrypoints.settings import load_settings
from telemed_core.domain.instants import TimeZone
from telemed_core.testing.builders import a_password, an_email


def opened(data: Path) -> Container:
    return open_container(load_settings({}, data=data))


def fingerprint(container: Container) -> str:
    secrets = container.secrets()
    assert secrets.issuer_key is not None
    return hashlib.sha256(secrets.root + secrets.pepper + secrets.data_key + secrets.issuer_key).hexdigest()


def register(container: Container, number: int) -> str:
    made = container.create_administrator()(email=an_email(number), password=a_password(), time_zone=TimeZone("UTC"))
    return made.id


if __name__ == "__main__":
    folder, own = Path(sys.argv[1]), int(sys.argv[2])
    # Loaded before the race, so that it is about the folder and not about imports.
    import adapters.local_identity
    import adapters.sealing
    import adapters.secret_files
    import adapters.sql  # noqa: F401 - see above

    print("ready", flush=True)
    sys.stdin.readline()
    parts = opened(folder)
    print(json.dumps({"id": register(parts, own), "secrets": fingerprint(parts)}), flush=True)
    parts.close()
