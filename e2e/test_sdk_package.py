"""The C++ SDK as other projects have it: installed, found, built into the README's program, which sends to Sightline."""

import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from sightline import BIN_DIR, Server, clean_environment

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
SDK_README = (ROOT / "sdk/README.md").read_text()
COMPILER = "g++"  # whatever Sightline itself is built with


def block_of(readme: str, language: str) -> str:
    """The first one."""
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)[0]


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=clean_environment() | (env or {}), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the SDK is installed, after its move to another place: nothing of it may know where it was."""
    first = tmp_path_factory.mktemp("install") / "first"
    run("cmake", "--install", BIN_DIR.parent, "--component", "sightline_otel", "--prefix", first)
    yield first.rename(first.with_name("second"))


def build_with_cmake(project: Path, prefix: Path) -> Path:
    run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={COMPILER}")
    run("cmake", "--build", project / "build")
    return project / "build"


def send_to(server: Server, program: Path, service: str, protocol: str, *arguments: str) -> None:
    env = {
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{server.otlp_grpc}" if protocol == "grpc" else server.otlp_http,
    }
    assert run(program, *arguments, env=env) == ""  # the SDK says what goes wrong


@pytest.fixture(scope="module")
def shop(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("shop")
    (project / "shop.cc").write_text(block_of(README, "cpp"))
    (project / "CMakeLists.txt").write_text(block_of(README, "cmake"))
    return build_with_cmake(project, prefix) / "shop"


def test_the_program_of_the_readme_sends_a_span_a_metric_and_a_log(shop: Path, shared_server: Server) -> None:
    send_to(shared_server, shop, "from-environment", "http/protobuf")
    shared_server.wait_for_rows(1, "otel_traces", "ServiceName = 'shop'")
    ((trace_id, span_id, *span),) = shared_server.sql(
        "SELECT TraceId, SpanId, SpanName, ParentSpanId, SpanAttributes FROM otel_traces WHERE ServiceName = 'shop'"
    )
    assert span == ["order", "", {"item": "tea"}]
    shared_server.wait_for_rows(1, "otel_logs", "ServiceName = 'shop'")
    logs = shared_server.sql("SELECT Body, SeverityText, SeverityNumber, TraceId, SpanId FROM otel_logs WHERE ServiceName = 'shop'")
    assert logs == [["ordered tea", logs[0][1], 9, trace_id, span_id]]
    shared_server.wait_for_rows(1, "otel_metrics_sum", "MetricName = 'shop.orders'")
    sums = shared_server.sql(
        "SELECT MetricName, MetricUnit, Attributes, Value, IsMonotonic FROM otel_metrics_sum WHERE ServiceName = 'shop' "
        "AND MetricName NOT LIKE 'traces.span.metrics.%'"
    )
    assert sums == [["shop.orders", "{order}", {"item": "tea"}, 1, True]]


def test_it_has_all_protocols(shop: Path, make_server) -> None:
    server = make_server().start()
    for count, protocol in enumerate(["grpc", "http/json"], start=1):
        send_to(server, shop, "shop", protocol)
        for table, where in [("otel_traces", "1"), ("otel_logs", "1"), ("otel_metrics_sum", "MetricName = 'shop.orders'")]:
            server.wait_for_rows(count, table, f"ServiceName = 'shop' AND {where}")


OPTIONS = """
#include <otel/console_exporter.h>
#include <otel/in_memory_log_exporter.h>
#include <otel/in_memory_span_exporter.h>
#include <otel/telemetry.h>

otel::Telemetry Some() { return otel::Configure({.sampler = otel::AlwaysOnSampler()}); }
otel::BatchLogRecordProcessorOptions log_batches{.queue_records_max = 1};
otel::BatchSpanProcessorOptions span_batches{.queue_spans_max = 1};
otel::InstrumentOptions instrument{.unit = "s"};
otel::LoggerProviderOptions loggers{.minimum_severity = otel::Severity::kInfo};
otel::LogRecord record{.event_name = "placed"};
otel::MeterProviderOptions meters{.exemplar_filter = otel::ExemplarFilter::kAlwaysOff};
otel::MetricReaderOptions reader{.cardinality_limit = 1};
otel::OtlpOptions otlp{.protocol = otel::OtlpProtocol::kGrpc};
otel::ParentBasedOptions parents{.root = otel::AlwaysOnSampler()};
otel::SpanLimits limits{.event_count = 1};
otel::StartSpanOptions start{.kind = otel::SpanKind::kClient};
otel::TracerProviderOptions tracers{.sampler = otel::AlwaysOnSampler()};
otel::View view{.name = "seconds"};
"""


@pytest.mark.parametrize("compiler", ["g++", "clang++-19"])
def test_it_can_be_built_without_cmake_and_without_warnings(prefix: Path, tmp_path: Path, compiler: str) -> None:
    (tmp_path / "shop.cc").write_text(block_of(SDK_README, "cpp"))
    (tmp_path / "options.cc").write_text(OPTIONS)
    (pc_file,) = prefix.rglob("sightline_otel.pc")
    flags = run("pkg-config", "--cflags", "--libs", "sightline_otel", env={"PKG_CONFIG_PATH": str(pc_file.parent)}).split()
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run(compiler, "-std=c++20", *warnings, "shop.cc", "options.cc", *flags, "-o", "shop", cwd=tmp_path)
    run(tmp_path / "shop", env={"OTEL_SDK_DISABLED": "true"})


INSTRUMENTED = """
#include <otel/instrumentation/http_client.h>
#include <otel/instrumentation/http_server.h>
#include <otel/instrumentation/process.h>
#include <otel/instrumentation/spdlog.h>
#include <otel/instrumentation/sqlite.h>
#include <otel/instrumentation/threads.h>
#include <otel/telemetry.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include <thread>

namespace instrumentation = otel::instrumentation;

void QueryDatabase() {
  sqlite3* db = nullptr;
  sqlite3_open(":memory:", &db);
  instrumentation::InstrumentSqlite(db);
  sqlite3_exec(db, "SELECT 'secret'", nullptr, nullptr, nullptr);
  sqlite3_close(db);
}

void Ask(const char* url) {
  CURL* const curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  instrumentation::Perform(curl, {.method = "HEAD", .url = url, .url_template = "/healthz"});
  curl_easy_cleanup(curl);
}

int main(int, char** arguments) {
  const auto telemetry = otel::Configure({.instrumentations = {instrumentation::ObserveProcess}});
  spdlog::default_logger()->sinks() = {std::make_shared<instrumentation::SpdlogSink>()};
  instrumentation::HttpServerSpan span({.method = "GET", .target = "/order?item=tea"},
                                       [](std::string_view) { return std::optional<std::string_view>(); });
  span.SetRoute("/order");
  {
    const otel::Scope scope(span.context());
    QueryDatabase();
    Ask(arguments[1]);
    std::thread(instrumentation::BindContext([] { SPDLOG_WARN("{} of {}", 3, "tea"); })).join();
  }
  span.End(200);
}
"""
INSTRUMENTED_CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(instrumented LANGUAGES CXX)
add_compile_options(-Wall -Wextra -Werror)
find_package(sightline_otel 0.1 REQUIRED
  COMPONENTS http_client http_server process spdlog sqlite threads OPTIONAL_COMPONENTS nothing_of_this_name)
add_executable(instrumented main.cc)
target_link_libraries(instrumented PRIVATE sightline_otel::http_client sightline_otel::http_server sightline_otel::process
  sightline_otel::spdlog sightline_otel::sqlite sightline_otel::threads)
"""


def test_instrumentation_libraries_are_components(prefix: Path, tmp_path: Path, shared_server: Server) -> None:
    (tmp_path / "main.cc").write_text(INSTRUMENTED)
    (tmp_path / "CMakeLists.txt").write_text(INSTRUMENTED_CMAKE)
    program = build_with_cmake(tmp_path, prefix) / "instrumented"
    send_to(shared_server, program, "instrumented", "http/protobuf", f"{shared_server.http}/healthz")
    shared_server.wait_for_rows(3, "otel_traces", "ServiceName = 'instrumented'")
    spans = shared_server.sql("""SELECT SpanName, SpanKind, SpanId, ParentSpanId, TraceId, SpanAttributes FROM otel_traces
                                 WHERE ServiceName = 'instrumented' ORDER BY SpanName""")
    (root,) = [span for span in spans if span[0] == "GET /order"]
    kinds = {name: kind for name, kind, *_ in spans}
    assert kinds == {"GET /order": "Server", "HEAD /healthz": "Client", "SELECT": "Client"}
    assert {tuple(span[3:5]) for span in spans if span is not root} == {(root[2], root[4])}
    (statement,) = [span[5] for span in spans if span[0] == "SELECT"]
    assert statement["db.query.text"] == "SELECT ?"
    shared_server.wait_for_rows(1, "otel_logs", "ServiceName = 'instrumented'")
    ((*log, attributes),) = shared_server.sql(
        "SELECT Body, SeverityNumber, SpanId, LogAttributes FROM otel_logs WHERE ServiceName = 'instrumented'"
    )
    assert log == ["3 of tea", 13, root[2]]
    assert int(attributes["code.line.number"]) > 0 and attributes["code.file.path"].endswith("main.cc")
    shared_server.wait_for_rows(10, "otel_metrics_sum", "ServiceName = 'instrumented' AND MetricName NOT LIKE 'traces.span.metrics.%'")
    ((cpu_seconds, memory_bytes),) = shared_server.sql(
        """SELECT sumIf(Value, MetricName = 'process.cpu.time'), sumIf(Value, MetricName = 'process.memory.usage')
           FROM otel_metrics_sum WHERE ServiceName = 'instrumented'"""
    )
    assert 0 < cpu_seconds < 60 and 1 << 20 < memory_bytes < 1 << 30


@pytest.mark.parametrize(
    "words", ["99 REQUIRED", "REQUIRED COMPONENTS nothing_of_this_name"], ids=["another version", "no such component"]
)
def test_what_is_not_there_is_not_found(prefix: Path, tmp_path: Path, words: str) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.25)\nproject(no LANGUAGES CXX)\nfind_package(sightline_otel {words})\n"
    )
    command = ["cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "sightline_otel" in done.stderr


VENDORING_CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(vendoring LANGUAGES CXX)
add_subdirectory({sdk} sdk)
add_executable(vendoring main.cc)
target_link_libraries(vendoring PRIVATE sightline_otel::sdk sightline_otel::threads)
"""


@pytest.mark.parametrize("compiler", ["g++", "clang++-19"])
@pytest.mark.parametrize("grpc", ["ON", "OFF"])
def test_it_can_be_part_of_another_project(tmp_path: Path, compiler: str, grpc: str) -> None:
    """Configured only: to build all of it again takes a minute."""
    (tmp_path / "main.cc").write_text("int main() {}\n")
    (tmp_path / "CMakeLists.txt").write_text(VENDORING_CMAKE.format(sdk=ROOT / "sdk"))
    options = [f"-DCMAKE_CXX_COMPILER={compiler}", f"-DSIGHTLINE_OTEL_GRPC={grpc}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", *options)
    commands = (tmp_path / "build/compile_commands.json").read_text()
    assert str(ROOT / "src") not in commands
    assert ("/grpc_transport.cc" in commands) == (grpc == "ON")
    assert "_test.cc" not in commands


def variables_of(text: str) -> set[str]:
    """All OTEL_ names of it, those in the way of OTEL_{A,B}_C too."""
    found = set()
    for word in re.findall(r"OTEL_[A-Z_{},]*[A-Z}]", text):
        names = {""}
        for piece in re.findall(r"\{[^}]*\}|[^{}]+", word):
            choices = piece[1:-1].split(",") if piece.startswith("{") else [piece]
            names = {name + choice for name in names for choice in choices}
        found |= names
    return found


def test_what_the_list_of_compliance_names_exists() -> None:
    named = set(re.findall(r"`(\w+\.\w+|\w+\.py::\w+)`", (ROOT / "sdk/COMPLIANCE.md").read_text())) - {"otel.metric.overflow"}
    known = set()
    for file in (ROOT / "sdk").rglob("*_test.cc"):
        known |= {f"{suite}.{test}" for suite, test in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", file.read_text(), re.M)}
    for file in (ROOT / "e2e").glob("test_*.py"):
        known |= {f"{file.name}::{test}" for test in re.findall(r"^def (test_\w+)", file.read_text(), re.M)}
    assert len(named) > 100
    assert named - known == set()


def test_the_readme_lists_every_variable_that_is_read() -> None:
    read = set()
    for file in (ROOT / "sdk/src").rglob("*.cc"):
        if not file.name.endswith("_test.cc"):
            read |= set(re.findall(r'"(OTEL_[A-Z_]+[A-Z])"', file.read_text()))
    otlp = (ROOT / "sdk/src/config/otlp_environment.cc").read_text()
    read |= {f"OTEL_EXPORTER_OTLP_{name}" for name in re.findall(r'variables\.(?:Into\(options\.\w+, |Own\()"(\w+)"', otlp)}
    assert len(read) > 40
    assert read - variables_of(SDK_README) == set()
