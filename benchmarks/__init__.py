"""Telemed beside floors and peers, in one run: `python -m benchmarks` prints ratios."""
