"""The command: ``python -m lambda_zips [FAMILY …] [--platform linux-arm64 | linux-x86_64 | here] [--into FOLDER]``."""

import argparse
import sys
import tempfile
from pathlib import Path

from lambda_zips.families import FAMILIES
from lambda_zips.packing import ROOT, pack
from lambda_zips.targets import TARGETS
from lambda_zips.wheels import PackingError


def main() -> int:
    """Pack what is asked for, and print what has come of it."""
    names = {one.name: one for one in FAMILIES}
    parser = argparse.ArgumentParser(prog="lambda_zips", description="Pack the functions for AWS Lambda.")
    parser.add_argument("family", nargs="*", choices=[*names, []], help=f"{', '.join(names)}; all where none is named")
    parser.add_argument("--platform", choices=TARGETS, default="linux-arm64", help="the machines that they run on")
    parser.add_argument("--into", type=Path, default=ROOT / "dist" / "lambdas", help="the folder of the zips")
    asked = parser.parse_args()
    target = TARGETS[asked.platform]
    families = [names[name] for name in asked.family or names]
    print(f"for {target}")
    print(f"{'zip':<16}{'KiB':>8}{'unpacked':>10}  sha256")
    try:
        with tempfile.TemporaryDirectory(prefix="telemed-zips-") as workshop:
            for made in pack(families, target, into=asked.into, workshop=Path(workshop)):
                packed = made.path.stat().st_size // 1024
                print(f"{made.path.stem:<16}{packed:>8}{made.bytes_unpacked // 1024:>10}  {made.sha256}")
    except PackingError as error:
        print(f"not packed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
