"""How botocore finds the definitions of services, in a fraction of the time that its own loader takes.

Importing this imports botocore. Its loader looks into the folders of all services, twice for each client, and reads
JSON object by object: that is most of what making a client costs.
"""

import gzip
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader, Loader


class Definitions(Loader):  # type: ignore[misc] # botocore has no types
    """Botocore's own definitions."""

    def __init__(self) -> None:
        super().__init__(file_loader=_Files())

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 # see below
        """All that have a folder; whether what is asked for is in it is seen when it is read."""
        folders = (Path(path) for path in self.search_paths)
        return [found.name for folder in folders if folder.is_dir() for found in folder.iterdir()]


class _Files(JSONFileLoader):  # type: ignore[misc] # as above
    """Files of JSON, plain or compressed, whose names are given without their endings."""

    def load_file(self, file_path: str) -> Any:
        """What is in it; ``None``: there is no such file."""
        plain, compressed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return orjson.loads(plain.read_bytes())
        return orjson.loads(gzip.decompress(compressed.read_bytes())) if compressed.is_file() else None
