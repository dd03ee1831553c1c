"""Adds up what the test programs of one `./dev test` left in its results folder, and prints "N passed, N failed".

Reads: FOLDER/ctest.junit (CTest: one entry a program) and beside it FOLDER_test.xml (GoogleTest: one entry a case),
e2e.xml (pytest), ui.xml and browser.xml (Vitest), structure.txt (lines that say "N passed, N failed" themselves). A program that CTest calls failed
though all its written cases passed (it crashed, or ran out of time) counts as one more failure.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def count_junit(path: Path) -> Count:
    """A file of GoogleTest, pytest or Vitest; all word their cases the same way."""
    count = Count()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("status") == "notrun":  # GoogleTest: disabled, or not chosen by a filter
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif case.find("skipped") is not None:
            count.skipped += 1
        else:
            count.passed += 1
    return count


def count_ctest(folder: Path) -> Count:
    total = Count()
    for program in ElementTree.parse(folder / "ctest.junit").getroot().iter("testcase"):
        # A program that starts itself as a child may leave more than one file: the fullest is its own.
        written = [count_junit(path) for path in sorted(folder.glob(f"{program.get('name')}_test*.xml"))]
        cases = max(written, key=lambda count: count.passed + count.failed, default=None)
        program_failed = program.find("failure") is not None or program.get("status") not in ("run", "disabled")
        if cases is None:
            cases = Count(failed=1) if program_failed else Count(passed=1)
        elif program_failed and cases.failed == 0:
            cases = cases + Count(failed=1)
        total = total + cases
    return total


def count_lines(path: Path) -> Count:
    total = Count()
    for passed, failed in re.findall(r"^(\d+) passed, (\d+) failed$", path.read_text(), re.MULTILINE):
        total = total + Count(int(passed), int(failed))
    return total


def main(results: Path) -> int:
    parts: list[tuple[str, Count]] = []
    if (results / "structure.txt").exists():
        parts.append(("structure", count_lines(results / "structure.txt")))
    parts += [(path.parent.name, count_ctest(path.parent)) for path in sorted(results.glob("*/ctest.junit"))]
    for file, name in (("e2e.xml", "end to end"), ("ui.xml", "web UI"), ("browser.xml", "web UI in a browser")):
        if (results / file).exists():
            parts.append((name, count_junit(results / file)))
    for name, count in parts:
        print(f"{name + ':':<33}{count}")
    total = sum((count for _, count in parts), Count())
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
