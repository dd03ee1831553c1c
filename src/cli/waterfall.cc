#include "cli/waterfall.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "cli/table.h"

namespace sightline::cli {
namespace {

constexpr std::string_view kRed = "31", kBoldRed = "1;31", kDim = "2", kBold = "1";
// Terminal colours for services, in the order of their first span. Red means an error and nothing else.
constexpr std::string_view kServiceColors[] = {"36", "32", "33", "35", "34", "96", "92", "93", "95", "94"};
constexpr size_t kDurationWidth = 9;
constexpr size_t kDetailBytesMax = 4096;  // of one attribute, before it is cut to the width

// Printable, with the white space of queries that stand indented in their programs' sources taken together.
std::string OneLine(std::string_view text) {
  std::string out;
  for (const char c : Printable(text)) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string Attribute(const query::Span& span, std::initializer_list<std::string_view> keys) {
  for (auto key : keys) {
    for (const auto& attribute : span.attributes) {
      if (attribute.key == key && !attribute.text.empty()) {
        return OneLine(std::string_view(attribute.text).substr(0, kDetailBytesMax));
      }
    }
  }
  return "";
}

// What one wants to know of a span at a glance: HTTP route and status, RPC, database statement, model. Newer names of
// the semantic conventions first.
std::string Details(const query::Span& span) {
  std::vector<std::string> parts;
  auto add = [&](std::string text) {
    if (!text.empty() && Printable(span.name) != text) parts.push_back(std::move(text));
  };
  const auto method = Attribute(span, {"http.request.method", "http.method"});
  const auto route = Attribute(span, {"http.route", "url.path", "http.target", "url.full", "http.url"});
  if (!method.empty() || !route.empty()) add(method + (method.empty() || route.empty() ? "" : " ") + route);
  if (auto status = Attribute(span, {"http.response.status_code", "http.status_code"}); !status.empty()) {
    add("→ " + status);
  }
  if (auto service = Attribute(span, {"rpc.service"}); !service.empty()) {
    add(service + "/" + Attribute(span, {"rpc.method"}));
  }
  if (auto code = Attribute(span, {"rpc.grpc.status_code", "rpc.response.status_code"}); !code.empty() && code != "0") {
    add("grpc " + code);
  }
  const auto system = Attribute(span, {"db.system.name", "db.system"});
  const auto statement = Attribute(span, {"db.query.text", "db.statement", "db.query.summary", "db.operation.name"});
  if (!system.empty() || !statement.empty())
    add(system + (system.empty() || statement.empty() ? "" : ": ") + statement);
  add(Attribute(span, {"messaging.destination.name"}));
  add(Attribute(span, {"gen_ai.request.model", "model.name"}));
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "  ") + part;
  return text;
}

// The status message and the messages of recorded exceptions, each once.
std::vector<std::string> Faults(const query::Span& span) {
  std::vector<std::string> faults;
  auto add = [&](std::string text) {
    if (!text.empty() && std::find(faults.begin(), faults.end(), text) == faults.end())
      faults.push_back(std::move(text));
  };
  for (const auto& event : span.events) {
    if (event.name != "exception") continue;
    std::string type, message;
    for (const auto& attribute : event.attributes) {
      if (attribute.key == "exception.type") type = attribute.text;
      if (attribute.key == "exception.message") message = attribute.text;
    }
    add(Printable((type + (type.empty() || message.empty() ? "" : ": ") + message).substr(0, kDetailBytesMax)));
  }
  const auto status = Printable(std::string_view(span.status_message).substr(0, kDetailBytesMax));
  const bool said = std::any_of(faults.begin(), faults.end(), [&](const auto& f) { return f.find(status) != f.npos; });
  if (span.status == "Error" && !said) add(status);
  return faults;
}

class Drawing {
 public:
  Drawing(const query::Trace& trace, const WaterfallOptions& options) : trace_(trace), options_(options) {
    start_ = INT64_MAX;
    int64_t end = INT64_MIN;
    for (const auto& span : trace.spans) {
      start_ = std::min(start_, span.start_unix_nanos);
      end = std::max(end, End(span));
      if (!colors_.contains(span.service)) {
        colors_[span.service] = kServiceColors[colors_.size() % std::size(kServiceColors)];
      }
      errors_ += span.status == "Error" ? 1 : 0;
    }
    length_ = trace.spans.empty() ? 0 : static_cast<uint64_t>(end - start_);
    const size_t width = std::max<size_t>(options.width, 40);
    left_width_ = std::min<size_t>(width / 2, 80);
    bar_width_ = width - left_width_ - kDurationWidth - 2;
  }

  std::string Draw() {
    if (trace_.spans.empty()) return "";
    Header();
    for (const auto& line : LayOutTree(trace_)) {
      if (line.span < 0) {
        Missing(line);
      } else {
        SpanLine(line);
      }
    }
    return std::move(out_);
  }

 private:
  static int64_t End(const query::Span& span) {
    // Saturating: a duration may be anything.
    const uint64_t room = static_cast<uint64_t>(INT64_MAX - std::max<int64_t>(span.start_unix_nanos, 0));
    return span.start_unix_nanos + static_cast<int64_t>(std::min(span.duration_nanos, room));
  }

  void Header() {
    out_ += Colored("Trace " + trace_.trace_id, kBold, options_.color) + "\n";
    std::string facts = fmt::format("{} UTC · {} · {} span{}", TimeText(start_), DurationText(length_),
                                    trace_.spans.size(), trace_.spans.size() == 1 ? "" : "s");
    out_ += facts;
    if (errors_ > 0) {
      out_ += " · " + Colored(fmt::format("{} error{}", errors_, errors_ == 1 ? "" : "s"), kBoldRed, options_.color);
    }
    out_ += "\n";
    std::vector<std::string> order;
    std::set<std::string> seen;
    for (const auto& span : trace_.spans) {
      if (seen.insert(span.service).second) order.push_back(span.service);
    }
    std::string services;
    for (const auto& service : order) {
      services +=
          (services.empty() ? "" : "  ") + Colored("■ " + ServiceName(service), colors_[service], options_.color);
    }
    out_ += services + "\n\n";
  }

  static std::string ServiceName(const std::string& service) {
    return service.empty() ? "(no service)" : Printable(service);
  }

  // The branches, shortened from the left where they would leave no room for the name.
  std::string Branches(const std::string& prefix) const {
    const size_t room = left_width_ / 2;
    if (DisplayWidth(prefix) <= room) return prefix;
    size_t cut = 0;
    while (DisplayWidth(std::string_view(prefix).substr(cut)) > room - 1) {
      ++cut;
      while (cut < prefix.size() && (static_cast<unsigned char>(prefix[cut]) & 0xC0) == 0x80) ++cut;
    }
    return "⋯" + prefix.substr(cut);
  }

  void Missing(const TreeLine& line) {
    const std::string text = "? parent " + Printable(line.missing_parent) + " is not here";
    out_ += Branches(line.prefix) + Colored(text, line.error_below ? kRed : kDim, options_.color) + "\n";
  }

  void SpanLine(const TreeLine& line) {
    const auto& span = trace_.spans[line.span];
    const bool error = span.status == "Error";
    const std::string branches = Branches(line.prefix);
    const std::string mark = error ? "✗ " : line.error_below ? "! " : "";
    const size_t used = DisplayWidth(branches) + DisplayWidth(mark);
    const size_t room = left_width_ > used + 1 ? left_width_ - used - 1 : 1;
    // Said where it changes: in a tree of one service it would only take the room of the names.
    std::string service;
    if (line.service_changes) service = CutToWidth(ServiceName(span.service), room / 2) + " ";
    const size_t name_room = room - std::min(room, DisplayWidth(service));
    const std::string name = CutToWidth(span.name.empty() ? "(no name)" : Printable(span.name), name_room);
    const std::string details = Details(span);
    // Beside the name where there is room, else on a line of its own.
    const bool beside = !details.empty() && DisplayWidth(name) + 2 + DisplayWidth(details) <= name_room;
    const std::string aside = beside ? "  " + details : "";
    const size_t width = used + DisplayWidth(service) + DisplayWidth(name) + DisplayWidth(aside);

    out_ += Colored(branches, kDim, options_.color);
    out_ += Colored(mark, error ? kBoldRed : kRed, options_.color);
    out_ += Colored(service, colors_[span.service], options_.color);
    out_ += Colored(name, error ? kBoldRed : line.error_below ? kRed : "", options_.color);
    out_ += Colored(aside, kDim, options_.color);
    out_ += std::string(left_width_ - std::min(left_width_, width), ' ') + " ";
    out_ += Bar(span, error);
    out_ +=
        Colored(PadToWidth(DurationText(span.duration_nanos), kDurationWidth, true), error ? kRed : "", options_.color);
    out_ += "\n";
    Below(line, span, beside ? "" : details);
  }

  // Eighths of a column at the end; always at least a sliver.
  std::string Bar(const query::Span& span, bool error) {
    constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const double scale = length_ == 0 ? 0 : static_cast<double>(bar_width_) * 8 / static_cast<double>(length_);
    const auto total = static_cast<size_t>(bar_width_ * 8);
    auto first = static_cast<size_t>(static_cast<double>(span.start_unix_nanos - start_) * scale);
    auto last = static_cast<size_t>(std::llround(static_cast<double>(End(span) - start_) * scale));
    if (length_ == 0) last = total;
    // A column has one colour and one glyph: bars begin at its left edge.
    first = std::min(first, total - 8) / 8 * 8;
    last = std::clamp(last, first + 1, total);
    std::string bar;
    for (size_t i = first; i + 8 <= last; i += 8) bar += "█";
    bar += kEighths[(last - first) % 8];
    const size_t columns = first / 8 + (last - first + 7) / 8;
    return std::string(first / 8, ' ') + Colored(bar, error ? kRed : colors_[span.service], options_.color) +
           std::string(bar_width_ - columns, ' ') + " ";
  }

  void Below(const TreeLine& line, const query::Span& span, const std::string& details) {
    const std::string below = Branches(line.below);
    const size_t indent = DisplayWidth(below) + 1;
    const size_t room = options_.width > indent + 10 ? options_.width - indent : 10;
    auto add = [&](const std::string& text, std::string_view color) {
      out_ +=
          Colored(below, kDim, options_.color) + " " + Colored(CutToWidth(text, room), color, options_.color) + "\n";
    };
    if (!details.empty()) add(details, kDim);
    for (const auto& fault : Faults(span)) add(fault, span.status == "Error" ? kRed : "33");
    if (!span.links.empty()) {
      add(fmt::format("{} link{}: {}", span.links.size(), span.links.size() == 1 ? "" : "s",
                      Printable(span.links.front().trace_id)),
          kDim);
    }
  }

  const query::Trace& trace_;
  const WaterfallOptions options_;
  std::map<std::string, std::string_view> colors_;  // by service
  int64_t start_ = 0;
  uint64_t length_ = 0;
  size_t errors_ = 0;
  size_t left_width_ = 0, bar_width_ = 0;
  std::string out_;
};

}  // namespace

std::string DrawWaterfall(const query::Trace& trace, const WaterfallOptions& options) {
  return Drawing(trace, options).Draw();
}

}  // namespace sightline::cli
