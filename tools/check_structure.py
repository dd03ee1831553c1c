"""Checks the rules that keep the code readable and that no compiler checks. `./dev test` and `./dev lint` run it.

  layers     a folder of src/ includes only itself and what src/layers.txt puts to its left
  apart      demo/ and sdk/ include nothing of src/: all that they include by quotes is their own
  heavy      gRPC, Boost.Beast, Boost.Asio and OpenSSL headers only in src/net/*.cc and demo/http/*.cc: they cost seconds a file
  sizes      header <= 300 lines, .cc <= 800, function <= 70
  readmes    each folder of src/ has a README.md of at most 40 lines
  places     nothing names a developer's machine or a package registry's host
  pragma     each header begins with #pragma once
  metrics    docs/metrics.md lists each metric that src/ registers, and no other

Functions are found by their braces: outside of namespaces and classes, a brace after a parameter list opens one.
(clang-tidy's readability-function-size holds the same limit more exactly, but only where `./dev lint` runs.)

Prints one line a violation, then "N passed, N failed" over the rules. Standard library only.
"""

import re
import sys
from pathlib import Path
from typing import Callable, Iterator

HEADER_LINES_MAX = 300
SOURCE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 40

CODE_FOLDERS = ("src", "bench", "fuzz", "sdk", "demo")
SKIPPED_FOLDERS = {".git", ".deps", ".cache", ".pytest_cache", "__pycache__", "node_modules", "data"}
HEAVY = re.compile(r"#include\s*<(grpc|grpcpp|boost/beast|boost/asio|openssl)[/.]")
HEAVY_FOLDERS = {"src": "net", "demo": "http"}  # the one folder that may include them
INCLUDE = re.compile(r'^\s*#include\s*"([a-z0-9_]+)/')
# Put together from pieces, so that this file passes its own check.
PLACES = re.compile(
    r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me/\w+|tmp" r"/w)/"
    r"|registry\.npm" r"js|py" r"pi\.org|pythonhos" r"ted|deb\.deb" r"ian|static\.crates" r"|proxy\.gol" r"ang|repo1\.mav" r"en"
)

Problem = str


def files(root: Path, *suffixes: str) -> Iterator[Path]:
    """All files of ours under `root` with one of the suffixes (all, without suffixes), sorted."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in SKIPPED_FOLDERS for part in parts[:-1]) or parts[0].startswith("build"):
            continue
        if path.is_file() and not path.is_symlink() and (not suffixes or path.suffix in suffixes):
            yield path


def code(root: Path, *suffixes: str) -> Iterator[Path]:
    for folder in CODE_FOLDERS:
        if (root / folder).is_dir():
            yield from files(root / folder, *suffixes)


def read_layers(text: str) -> dict[str, set[str]]:
    """layers.txt -> which folders each folder may include, itself left out."""
    lists = {
        key: value.split()
        for key, value in (line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("#"))
    }
    shared, order = lists["shared"], lists["order"]
    allowed = {"base": set(), "net": {"base"}, "otlp": {"base"}, "traceql": {"base", "otlp"}}
    allowed = {folder: allowed[folder] for folder in shared}
    for position, folder in enumerate(order):
        allowed[folder] = set(shared) | set(order[:position])
    return allowed


def check_layers(root: Path) -> Iterator[Problem]:
    allowed = read_layers((root / "src/layers.txt").read_text())
    for path in files(root / "src", ".h", ".cc"):
        folder = path.relative_to(root / "src").parts[0]
        if folder not in allowed:
            yield f"{path.relative_to(root)}: folder {folder} is not in src/layers.txt"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match and match[1] in allowed and match[1] != folder and match[1] not in allowed[folder]:
                yield f"{path.relative_to(root)}:{number}: {folder} must not include {match[1]}"


def check_apart(root: Path) -> Iterator[Problem]:
    sdk_roots = [root / "sdk/include", root / "sdk/src", *(root / "sdk/instrumentation").glob("*/include")]
    for path in code(root, ".h", ".cc"):
        folder = path.relative_to(root).parts[0]
        if folder not in ("demo", "sdk"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            included = re.match(r'\s*#include\s*"([^"]+)"', line)
            if not included:
                continue
            if folder == "demo":
                own = included[1].startswith("demo/")
            else:
                own = any((place / included[1]).is_file() for place in [path.parent, *sdk_roots])
            if not own:
                yield f"{path.relative_to(root)}:{number}: {line.strip()} is not of {folder}/"


def check_heavy(root: Path) -> Iterator[Problem]:
    for path in code(root, ".h", ".cc"):
        folder = path.relative_to(root).parts[:2]
        if folder[0] not in HEAVY_FOLDERS or (path.suffix == ".cc" and folder[1] == HEAVY_FOLDERS[folder[0]]):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if HEAVY.match(line.strip()):
                yield f"{path.relative_to(root)}:{number}: {line.strip()} belongs into a .cc of {folder[0]}/{HEAVY_FOLDERS[folder[0]]}"


def blank_out(text: str) -> str:
    """The code without comments and literals; line breaks stay where they are."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^\s()\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'",
        re.DOTALL,
    )
    return token.sub(lambda match: "\n" * match[0].count("\n") or " ", text)


def functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, lines, head) of each function body; a lambda or a local class belongs to its function."""
    text = re.sub(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", lambda match: "\n" * match[0].count("\n"), blank_out(text), flags=re.M)
    containers = 0  # open braces of namespaces, classes, initializers outside of functions
    inside = 0  # open braces of the function, 0 outside
    nested = 0  # open parentheses and initializers' braces in the head
    head = ""
    line = begin = 1
    for character in text:
        if character == "\n":
            line += 1
        if inside:
            inside += {"{": 1, "}": -1}.get(character, 0)
            if inside == 0:
                yield begin, line - begin + 1, " ".join(head.split())
                head = ""
        elif nested or character == "(" or (character == "{" and in_initializer_list(head)):
            nested += {"(": 1, "{": 1, ")": -1, "}": -1}.get(character, 0)
            head += character
        elif character == "{":
            if is_function(head):
                inside, begin = 1, line
            else:
                containers += 1
                head = ""
        elif character in "};":
            containers -= character == "}"
            head = ""
        else:
            head += character


def in_initializer_list(head: str) -> bool:
    """Whether a brace here initializes a member: `A::A(int b) : b_` + `{b}`."""
    return re.search(r"\)\s*(?:noexcept\s*)?(?<!:):(?!:).*[\w>]\s*$", head, re.DOTALL) is not None


def is_function(head: str) -> bool:
    if re.search(r"\b(namespace|class|struct|union|enum)\b[^()]*$", head) or "(" not in head:
        return False
    return not re.search(r"(?<!operator)(?<![=!<>])=(?!=)[^()]*$", head)  # `Type name = {`: data


def check_sizes(root: Path) -> Iterator[Problem]:
    for path in code(root, ".h", ".cc"):
        text = path.read_text()
        lines = text.count("\n")
        limit = HEADER_LINES_MAX if path.suffix == ".h" else SOURCE_LINES_MAX
        if lines > limit:
            yield f"{path.relative_to(root)}: {lines} lines; at most {limit}"
        for begin, length, head in functions(text):
            if length > FUNCTION_LINES_MAX:
                yield f"{path.relative_to(root)}:{begin}: {length} lines in `{head[-80:]}`; at most {FUNCTION_LINES_MAX}"


def check_readmes(root: Path) -> Iterator[Problem]:
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir() and any(files(path))):
        readme = folder / "README.md"
        if not readme.exists():
            yield f"{readme.relative_to(root)}: missing"
        elif (lines := readme.read_text().count("\n")) > README_LINES_MAX:
            yield f"{readme.relative_to(root)}: {lines} lines; at most {README_LINES_MAX}"


def check_places(root: Path) -> Iterator[Problem]:
    for path in files(root):
        if "testdata" in path.parts or "regressions" in path.parts:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if match := PLACES.search(line):
                yield f"{path.relative_to(root)}:{number}: names a place outside of the project: {match[0]}"


def check_pragma(root: Path) -> Iterator[Problem]:
    for path in code(root, ".h"):
        if not re.match(r"(?:\s|//[^\n]*\n)*#pragma once\n", path.read_text()):
            yield f"{path.relative_to(root)}: #pragma once must come before any code"


def check_metrics(root: Path) -> Iterator[Problem]:
    """Names stand as literals where metrics are registered: GetCounter, SetCounter, SetGauge, or a local `set` around it."""
    registered = {
        name: path.relative_to(root)
        for path in files(root / "src", ".cc")
        if not path.name.endswith(("_test.cc", "_bench.cc", "_fuzz.cc"))
        for name in re.findall(r'\b(?:GetCounter|SetCounter|SetGauge|set)\(\s*"([a-z_.]+)"', path.read_text())
    }
    page = root / "docs/metrics.md"
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", page.read_text() if page.exists() else "", re.MULTILINE))
    for name in sorted(registered.keys() - documented):
        yield f"{registered[name]}: the metric {name} is not in docs/metrics.md"
    for name in sorted(documented - registered.keys()):
        yield f"docs/metrics.md: nothing registers {name}"


RULES: dict[str, Callable[[Path], Iterator[Problem]]] = {
    "layers": check_layers,
    "apart": check_apart,
    "heavy": check_heavy,
    "sizes": check_sizes,
    "readmes": check_readmes,
    "places": check_places,
    "pragma": check_pragma,
    "metrics": check_metrics,
}


def main(root: Path) -> int:
    failed = 0
    for name, rule in RULES.items():
        problems = list(rule(root))
        failed += bool(problems)
        for problem in problems:
            print(f"{name}: {problem}")
    print(f"{len(RULES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
