"""Proves that each rule of check_structure.py catches its violation, and lets good code pass."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import check_structure as structure  # noqa: E402  (needs the path above)

LAYERS = "# who\nshared: base net otlp traceql\norder: receive journal store\n"
HEADER = "// What it is.\n#pragma once\n\n"


class StructureTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("src/layers.txt", LAYERS)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def problems(self, rule: str) -> list[str]:
        return list(structure.RULES[rule](self.root))

    def test_includes_to_the_left_and_of_shared_folders_pass(self) -> None:
        self.write("src/store/x.cc", '#include "journal/a.h"\n#include "otlp/b.h"\n#include "store/x.h"\n')
        self.write("src/net/x.cc", '#include "base/a.h"\n')
        self.assertEqual(self.problems("layers"), [])

    def test_include_to_the_right_is_caught(self) -> None:
        self.write("src/receive/x.h", '#include "base/a.h"\n#include "store/x.h"\n')
        self.assertEqual(self.problems("layers"), ["src/receive/x.h:2: receive must not include store"])

    def test_shared_folders_have_an_order_too(self) -> None:
        self.write("src/otlp/x.cc", '#include "net/a.h"\n')
        self.write("src/base/x.cc", '#include "otlp/a.h"\n')
        self.assertEqual(len(self.problems("layers")), 2)

    def test_unlisted_folder_is_caught(self) -> None:
        self.write("src/helpers/x.cc", "\n")
        self.assertEqual(len(self.problems("layers")), 1)

    def test_heavy_headers_only_in_sources_of_net(self) -> None:
        self.write("src/net/x.cc", "#include <grpcpp/server.h>\n#include <boost/asio.hpp>\n")
        self.write("src/serve/x.cc", "#include <boost/json.hpp>\n")
        self.assertEqual(self.problems("heavy"), [])
        self.write("src/net/x.h", "#include <boost/beast/http.hpp>\n")
        self.write("src/store/x.cc", "#include <openssl/sha.h>\n#include <boost/asio.hpp>\n")
        self.write("demo/http/x.cc", "#include <boost/beast/http.hpp>\n")
        self.assertEqual(len(self.problems("heavy")), 3)
        self.write("demo/http/x.h", "#include <boost/beast/http.hpp>\n")
        self.write("demo/search/x.cc", "#include <boost/asio.hpp>\n")
        self.assertEqual(len(self.problems("heavy")), 5)

    def test_the_demo_includes_nothing_of_the_program(self) -> None:
        self.write("demo/search/x.cc", '#include <otel/trace.h>\n#include "demo/common/a.h"\n')
        self.assertEqual(self.problems("apart"), [])
        self.write("demo/search/y.cc", '#include "base/error.h"\n#include "src/base/error.h"\n')
        self.assertEqual(len(self.problems("apart")), 2)

    def test_the_sdk_includes_nothing_of_the_program(self) -> None:
        for header in ["sdk/include/otel/trace.h", "sdk/src/common/clock.h", "sdk/tests/samples.h", "src/base/error.h"]:
            self.write(header, HEADER)
        self.write("sdk/src/trace/x.cc", '#include <chrono>\n#include "otel/trace.h"\n#include "common/clock.h"\n')
        self.write("sdk/tests/x.cc", '#include "samples.h"\n')
        self.assertEqual(self.problems("apart"), [])
        self.write("sdk/src/trace/y.cc", '#include "base/error.h"\n#include "samples.h"\n')
        self.assertEqual(len(self.problems("apart")), 2)

    def test_long_header_and_source_are_caught_at_the_first_line_too_many(self) -> None:
        self.write("src/base/good.h", "\n" * structure.HEADER_LINES_MAX)
        self.write("src/base/good.cc", "\n" * structure.SOURCE_LINES_MAX)
        self.assertEqual(self.problems("sizes"), [])
        self.write("src/base/long.h", "\n" * (structure.HEADER_LINES_MAX + 1))
        self.write("src/base/long.cc", "\n" * (structure.SOURCE_LINES_MAX + 1))
        self.assertEqual(len(self.problems("sizes")), 2)

    def function(self, lines: int) -> str:
        return "int F(int a) {\n" + "  a++;\n" * (lines - 2) + "}\n"

    def test_long_function_is_caught_wherever_it_stands(self) -> None:
        limit = structure.FUNCTION_LINES_MAX
        self.write("src/base/good.cc", "namespace a {\n" + self.function(limit) + self.function(limit) + "}\n")
        self.assertEqual(self.problems("sizes"), [])
        long = self.function(limit + 1)
        self.write("src/base/free.cc", long)
        self.write("src/base/method.h", HEADER + "namespace a {\nclass B : public C<int> {\n " + long + "};\n}\n")
        self.write("src/base/constructor.cc", "A::A(int b)\n    : b_(b), c_({1}), d_{b} {\n" + "  b++;\n" * limit + "}\n")
        self.write("src/base/test.cc", "TEST(A, B) {\n" + "  f([] { return '{'; });\n" * limit + "}\n")
        self.assertEqual(len(self.problems("sizes")), 4)

    def test_tables_and_braces_in_text_are_no_functions(self) -> None:
        self.write("src/base/table.cc", "const int kA[] = {\n" + "  1,\n" * 100 + "};\n")
        self.write("src/base/text.cc", 'const char* a = "f() {";  // f() {\n' + "int b;\n" * 100)
        self.write("src/base/raw.cc", 'const char* a = R"(f() {)";\nint n = 1\'000;\n' + "int b;\n" * 100)
        self.assertEqual(self.problems("sizes"), [])

    def test_readme_is_missing_or_too_long(self) -> None:
        self.write("src/base/README.md", "\n" * structure.README_LINES_MAX)
        self.assertEqual(self.problems("readmes"), [])
        self.write("src/net/README.md", "\n" * (structure.README_LINES_MAX + 1))
        self.write("src/otlp/x.cc", "\n")
        self.assertEqual(len(self.problems("readmes")), 2)

    def test_places_outside_of_the_project_are_caught(self) -> None:
        self.write("docs/good.md", "network/ a/wo" + "rk/b https://opentelemetry.io /usr/lib/llvm-19\n")
        self.assertEqual(self.problems("places"), [])
        self.write("docs/path.md", "see /wo" + "rk/main\n")
        self.write("e2e/lock.json", '"resolved": "https://registry.npm' + 'js.org/x"\n')
        self.assertEqual(len(self.problems("places")), 2)

    def test_header_without_pragma_once_is_caught(self) -> None:
        self.write("src/base/good.h", HEADER)
        self.assertEqual(self.problems("pragma"), [])
        self.write("src/base/none.h", "// What it is.\nint a;\n")
        self.write("src/base/late.h", "int a;\n#pragma once\n")
        self.assertEqual(len(self.problems("pragma")), 2)

    def test_metrics_and_their_page_must_agree(self) -> None:
        self.write("src/store/x.cc", 'metrics\n    .GetCounter("sightline.store.blocks", "{block}", "Blocks.");\n')
        self.write("src/store/x_test.cc", 'metrics.GetCounter("sightline.test", "", "");\n')
        self.assertEqual(len(self.problems("metrics")), 1)
        self.write("docs/metrics.md", "| `sightline.store.blocks` | counter |\n")
        self.assertEqual(self.problems("metrics"), [])
        self.write("docs/metrics.md", "| `sightline.store.blocks` | counter |\n| `sightline.gone` | gauge |\n")
        self.assertEqual(self.problems("metrics"), ["docs/metrics.md: nothing registers sightline.gone"])


def main() -> int:
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(StructureTest)
    )
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
