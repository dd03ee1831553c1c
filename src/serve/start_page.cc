#include "serve/start_page.h"

#include <string_view>

namespace sightline::serve {
namespace {

// {{name}} is replaced; the script asks /api/v1/status every two seconds.
constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sightline</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --bg: #fbfbfa; --fg: #1d2126; --soft: #5d6670; --line: #dfe2e5; --card: #fff;
  --good: #1f8a4c; --bad: #c4342b; --code: #f2f3f4; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --fg: #e7e9eb; --soft: #9aa4ae; --line: #2b3137;
  --card: #1a1e22; --good: #4cc38a; --bad: #ff7a6e; --code: #101315; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 2.5rem 0 .75rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
#state { font-weight: 600; } #state::before { content: "●"; margin-right: .4em; }
.good { color: var(--good); } .bad { color: var(--bad); }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; overflow: hidden; }
th, td { text-align: right; padding: .5rem .8rem; border-top: 1px solid var(--line); font-variant-numeric: tabular-nums;
  white-space: nowrap; }
tr:first-child th { border-top: 0; color: var(--soft); font-weight: 500; }
th:first-child, td:first-child { text-align: left; }
.tabs { display: flex; flex-wrap: wrap; gap: .25rem; margin-bottom: .5rem; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 6px;
  padding: .2rem .7rem; cursor: pointer; }
button[aria-selected=true] { background: var(--fg); color: var(--bg); border-color: var(--fg); }
.block { position: relative; } .block button { position: absolute; top: .5rem; right: .5rem; font-size: .85rem;
  background: var(--card); }
pre { margin: 0 0 1rem; padding: .9rem 1rem; background: var(--code); border: 1px solid var(--line); border-radius: 8px;
  overflow-x: auto; font: 13px/1.5 ui-monospace, monospace; }
.scroll { overflow-x: auto; } [hidden] { display: none; } a { color: inherit; }
@media (max-width: 40rem) { main { padding: 1.5rem 1rem 3rem; } th, td { padding: .45rem .5rem; font-size: 13px; }
  th:nth-child(5), td:nth-child(5) { display: none; } pre { padding-top: 2.6rem; } }
</style>
</head>
<body><main>
<header><h1>Sightline</h1><span class="soft">{{version}}</span><span id="state" class="{{state_class}}">{{state}}</span></header>
<p class="soft">OTLP/gRPC at <b id="grpc">{{grpc}}</b>, OTLP/HTTP at <b id="http">{{http}}</b></p>

<h2>What has arrived</h2>
<div class="scroll"><table><thead><tr><th>Signal</th><th>Stored</th><th>Since start</th><th>Refused</th><th>On disk</th><th>Newest item</th></tr></thead>
<tbody id="signals"><tr><td colspan="6" class="soft">asking …</td></tr></tbody></table></div>
<noscript><p class="soft">The table needs JavaScript; <a href="/api/v1/status">/api/v1/status</a> says the same.</p></noscript>

<h2>Send more</h2>
<p class="soft">Any OpenTelemetry SDK can send here. The environment variables are the same for all of them.</p>
<div class="tabs" role="tablist"></div>
<div id="examples">
<section data-name="Python"><div class="block"><pre>pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install
OTEL_SERVICE_NAME=my-service OTEL_EXPORTER_OTLP_ENDPOINT=http://{{grpc}} \
  OTEL_LOGS_EXPORTER=otlp OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true \
  opentelemetry-instrument python app.py</pre></div></section>
<section data-name="Node" hidden><div class="block"><pre>npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node
OTEL_SERVICE_NAME=my-service OTEL_EXPORTER_OTLP_ENDPOINT=http://{{http}} \
  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp \
  node --require @opentelemetry/auto-instrumentations-node/register app.js</pre></div></section>
<section data-name="Go" hidden><div class="block"><pre>go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc
# exporter, _ := otlptracegrpc.New(ctx)
# otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(exporter)))
OTEL_SERVICE_NAME=my-service OTEL_EXPORTER_OTLP_ENDPOINT=http://{{grpc}} go run .</pre></div></section>
<section data-name="Java" hidden><div class="block"><pre># opentelemetry-javaagent.jar: io.opentelemetry.javaagent:opentelemetry-javaagent
OTEL_SERVICE_NAME=my-service OTEL_EXPORTER_OTLP_ENDPOINT=http://{{http}} \
  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \
  java -javaagent:opentelemetry-javaagent.jar -jar app.jar</pre></div></section>
<section data-name="C++" hidden><div class="block"><pre># with opentelemetry-cpp, built with WITH_OTLP_GRPC:
# auto exporter = opentelemetry::exporter::otlp::OtlpGrpcExporterFactory::Create();
OTEL_SERVICE_NAME=my-service OTEL_EXPORTER_OTLP_ENDPOINT=http://{{grpc}} ./app</pre></div></section>
<section data-name="curl" hidden><div class="block"><pre>curl -H 'Content-Type: application/json' http://{{http}}/v1/traces -d '{"resourceSpans":[{"resource":{"attributes":[
  {"key":"service.name","value":{"stringValue":"my-service"}}]},"scopeSpans":[{"spans":[{
  "traceId":"'$(openssl rand -hex 16)'","spanId":"'$(openssl rand -hex 8)'","name":"hello","kind":2,
  "startTimeUnixNano":"'$(date +%s%N)'","endTimeUnixNano":"'$(date +%s%N)'"}]}]}]}'</pre></div></section>
</div>

<h2>Look at it</h2>
<div class="block"><pre>sightline traces --last 15m
sightline trace TRACE_ID
sightline sql 'SELECT ServiceName, count() FROM otel_traces GROUP BY ServiceName'</pre></div>
<p class="soft">Also: <a href="/api/v1/traces?last=1h">/api/v1/traces</a>, <a href="/api/v1/status">/api/v1/status</a>,
<a href="/metrics">/metrics</a>, <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>; POST a query to
/api/v1/sql.</p>
</main>
)html";

constexpr std::string_view kScript = R"html(<script>
"use strict";
const $ = (id) => document.getElementById(id);
const count = (n) => n === undefined ? "" : Number(n).toLocaleString("en");
const bytes = (n) => { const units = ["B", "kB", "MB", "GB", "TB"]; let i = 0;
  while (n >= 1000 && i < 4) { n /= 1000; i++; } return (i ? n.toFixed(1) : n) + " " + units[i]; };
const ago = (nanos) => { if (nanos === "0") return "none in the last day";
  const s = Math.round(Date.now() / 1000 - Number(BigInt(nanos) / 1000000n) / 1000);
  return s < 2 ? "just now" : s < 120 ? s + " s ago" : s < 7200 ? Math.round(s / 60) + " min ago"
    : Math.round(s / 3600) + " h ago"; };
async function poll() {
  try {
    const reply = await fetch("/api/v1/status");
    const status = await reply.json();
    if (!reply.ok) throw new Error(status.error.message);
    $("state").textContent = status.ready ? "running" : "not ready: " + status.reason;
    $("state").className = status.ready ? "good" : "bad";
    $("signals").replaceChildren(...Object.entries(status.signals).map(([name, s]) => {
      const row = document.createElement("tr");
      for (const text of [name, count(s.rows), count(s.accepted_since_start), count(s.refused_since_start),
        bytes(s.bytes_on_disk), s.newest_unix_nano ? ago(s.newest_unix_nano) : s.rows ? "long ago" : "nothing yet"]) {
        row.appendChild(document.createElement("td")).textContent = text;
      }
      return row;
    }));
  } catch (error) {
    $("state").textContent = "no answer: " + error.message;
    $("state").className = "bad";
  }
  setTimeout(poll, document.hidden ? 10000 : 2000);
}
const sections = [...document.querySelectorAll("#examples section")];
for (const section of sections) {
  const tab = document.querySelector(".tabs").appendChild(document.createElement("button"));
  tab.textContent = section.dataset.name;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-selected", String(!section.hidden));
  tab.onclick = () => {
    for (const other of sections) other.hidden = other !== section;
    for (const other of tab.parentElement.children) other.setAttribute("aria-selected", String(other === tab));
  };
}
for (const block of document.querySelectorAll(".block")) {
  const copy = block.appendChild(document.createElement("button"));
  copy.textContent = "Copy";
  copy.onclick = async () => {
    await navigator.clipboard.writeText(block.querySelector("pre").textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  };
}
poll();
</script></body></html>
)html";

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view Value(const ProgramStatus& program, std::string_view name, std::string& storage) {
  if (name == "version") return program.version;
  if (name == "grpc") return program.otlp_grpc_address;
  if (name == "http") return program.otlp_http_address;
  if (name == "state_class") return program.not_ready_reason.empty() ? "good" : "bad";
  storage = program.not_ready_reason.empty() ? "running" : "not ready: " + program.not_ready_reason;
  return storage;
}

}  // namespace

std::string StartPage(const ProgramStatus& program) {
  std::string page, storage;
  std::string_view rest = kHead;
  while (true) {
    const size_t open = rest.find("{{");
    page += rest.substr(0, open);
    if (open == rest.npos) break;
    const size_t close = rest.find("}}", open);
    page += EscapeHtml(Value(program, rest.substr(open + 2, close - open - 2), storage));
    rest.remove_prefix(close + 2);
  }
  return page += kScript;
}

}  // namespace sightline::serve
