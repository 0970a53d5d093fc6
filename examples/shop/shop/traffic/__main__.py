"""Plays customers and staff against a running shop, and says what they met.

`python -m shop.traffic --url U --wallet W --seed 7 [--users 16] [--requests 1600]`
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .cast import play


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.traffic", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", required=True, help="where the shop answers, e.g. http://127.0.0.1:8000")
    parser.add_argument("--wallet", type=Path, required=True, help="from shop.seed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=16, help="half of them have an account already; at least 8")
    parser.add_argument("--requests", type=int, default=1600, help="about how many in all")
    options = parser.parse_args()
    if options.users < 8:
        parser.error("--users must be at least 8")
    try:
        wallet = json.loads(options.wallet.read_text())
    except (OSError, ValueError) as problem:
        parser.error(f"{options.wallet}: {problem}; python -m shop.seed makes it")
    outcome = play(options.url.rstrip("/"), wallet, options.seed, options.users, options.requests)
    print("\n".join(outcome.lines()))
    sys.exit(0 if outcome.complete else 1)


if __name__ == "__main__":
    main()
