"""Write the kept outputs again and print every difference: ``python tests/golden/update.py [--check] [GROUP...]``.

With ``--check`` nothing is written, and the exit status is 1 if anything differs. Without groups, all commands run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from golden_outputs import ENVIRONMENT, GROUPS, differences, environment, keep, kept, missing, produce


def main(words: list[str]) -> int:
    """Run the groups of commands that are named, and return the exit status."""
    check = "--check" in words
    groups = [word for word in words if word != "--check"] or list(GROUPS)
    n_different = 0
    for group in groups:
        if reason := missing(group):
            print(f"{group}: skipped: {reason}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            outputs = produce(group, Path(folder))
        for case in GROUPS[group]:
            found = outputs[case.name]
            for line in differences(kept(case) or {}, found, same=True, trained=case.trained):
                print(f"{case.name}{line}")
                n_different += 1
            if not check:
                keep(case.name, found)
    if not check:
        keep(ENVIRONMENT.stem, environment())
    print(f"{n_different} differences")
    return int(check and n_different > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
