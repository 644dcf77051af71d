"""Write all playthroughs anew: ``python tests/playthroughs/rewrite.py``. Review the difference."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.playthroughs.playthrough import GOLDEN, cases, record


def main() -> None:
    """Write every file that differs, and remove those that belong to nothing any more."""
    GOLDEN.mkdir(exist_ok=True)
    wanted = {case.file: record(case) for case in cases()}
    changed = 0
    for file, text in wanted.items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed += 1
    stale = set(GOLDEN.glob("*.txt")) - set(wanted)
    for file in stale:
        file.unlink()
    sys.stdout.write(f"{len(wanted)} playthroughs, {changed} written, {len(stale)} removed\n")


if __name__ == "__main__":
    main()
