"""Puts a staging deploy back to its snapshot: `python -m shop.reset http://staging:8009`, its control port."""

from __future__ import annotations

import argparse
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.reset", description="Put a staging deploy back to its snapshot.")
    parser.add_argument("url", help="of the control port of shop.staging")
    options = parser.parse_args()
    try:
        with urllib.request.urlopen(f"{options.url.rstrip('/')}/reset", data=b"", timeout=TIMEOUT_SECONDS):
            pass
    except (OSError, urllib.error.URLError) as failure:
        raise SystemExit(f"shop.reset: {options.url}: {failure}") from None


if __name__ == "__main__":
    main()
