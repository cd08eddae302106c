"""The functions of AWS Lambda: what events ask of the use cases, each family of events a module of its own."""

import gc
import os
from typing import Final

COLLECTED: Final = 500_000
"""How many new objects are looked through for garbage at once, in Lambda: hardly any of ours need it to go."""

if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    # What is made at a start stays: to look through it a hundred times would take a fifth of the start.
    gc.set_threshold(COLLECTED)
