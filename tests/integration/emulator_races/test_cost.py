"""What our way to a service costs beside the bare clients: printed, and held to be no more than a little."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from integration.emulator.ministack import REGION, Ministack
from scale import scaled

ROOT = Path(__file__).parents[3]
ROUNDS = scaled(9, ci=3)
CALLS = 150

OPEN = {
    "ours": "from adapters.aws.calling import open_call\n"
    "call = open_call('dynamodb', connections=4, region=region, endpoint_url=url)\n"
    "ask = lambda: call('ListTables', {'Limit': 1})",
    "botocore": "import botocore.session\n"
    "client = botocore.session.get_session().create_client('dynamodb', region_name=region, endpoint_url=url)\n"
    "ask = lambda: client.list_tables(Limit=1)",
    "boto3": "import boto3\n"
    "client = boto3.client('dynamodb', region_name=region, endpoint_url=url)\n"
    "ask = lambda: client.list_tables(Limit=1)",
}
MEASURED = f"""
import sys, time
url, region = sys.argv[1:]
begun = time.process_time()
{{opened}}
ask()
first = time.process_time()
for _ in range({CALLS}):
    ask()
print(first - begun, (time.process_time() - first) / {CALLS})
"""


def measure(way: str, url: str) -> tuple[float, float]:
    """Seconds of CPU until the first answer, and for each further one."""
    told = subprocess.run(
        [sys.executable, "-c", MEASURED.format(opened=OPEN[way]), url, REGION],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    first, each = told.split()
    return float(first), float(each)


def test_opening_and_calling_cost_hardly_more_than_the_bare_client_does(emulator: Ministack) -> None:
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in OPEN}
    for _ in range(ROUNDS):
        for way, runs in found.items():
            runs.append(measure(way, emulator.endpoint_url))
    medians = {way: [statistics.median(one) for one in zip(*runs, strict=True)] for way, runs in found.items()}
    for way, (first, each) in medians.items():
        print(f"{way:<10}open and first call {1000 * first:6.0f} ms   each further call {1e6 * each:6.0f} µs of CPU")
    assert medians["ours"][0] < 1.25 * medians["boto3"][0]
    assert medians["ours"][1] < 1.25 * medians["botocore"][1]


def test_nothing_of_botocore_is_loaded_until_a_call_is_opened() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, adapters.dynamodb.access, adapters.dynamodb.bootstrap, adapters.dynamodb.refusals\n"
            "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'urllib3'}))",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "[]"
