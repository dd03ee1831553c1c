"""Compiles the Python files named on the command line, and writes nothing. Exit code 1 if one does not compile."""

import sys


def main(paths: list[str]) -> int:
    failed = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            source = file.read()
        try:
            compile(source, path, "exec")
        except SyntaxError as error:
            print(f"{path}:{error.lineno}: {error.msg}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
