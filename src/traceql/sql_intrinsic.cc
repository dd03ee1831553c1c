#include "traceql/sql_intrinsic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sightline::traceql {
namespace {

constexpr std::string_view kNoParent = "ParentSpanId = toFixedString('', 8)";

// As the columns name OTLP's numbers.
constexpr std::array<std::string_view, 3> kStatuses = {"Unset", "Ok", "Error"};
constexpr std::array<std::string_view, 6> kKinds = {"Unspecified", "Internal", "Server",
                                                    "Client",      "Producer", "Consumer"};

template <size_t kSize>
std::string OfName(const std::string& column, const SqlTest& test, const std::array<std::string_view, kSize>& names) {
  return fmt::format("{} {} '{}'", column, OperatorText(test.op()),
                     names.at(static_cast<size_t>(test.literal().integer)));
}

bool IsId(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Equal ids are found by the table's indexes, as bytes.
std::string OfId(const std::string& column, size_t bytes, const SqlTest& test, SqlParameters& parameters) {
  if (test.op() == Operator::kEqual) {
    if (!IsId(test.literal().text, 2 * bytes)) return "0";
    return fmt::format("{} = toFixedString(unhex({}), {})", column, parameters.BindText(test.literal().text), bytes);
  }
  return test.OfText("lower(hex(" + column + "))");
}

// `holds` is a condition on the element e.
std::string OfEach(const std::string& list, const SqlTest& test, const std::string& holds) {
  auto exists = [&](const std::string& condition) { return "arrayExists(e -> " + condition + ", " + list + ")"; };
  if (!test.negative()) return exists(holds);
  return And("notEmpty(" + list + ")", Not(exists(holds)));
}

std::string OfIds(const std::string& list, const SqlTest& test) {
  return OfEach(list, test, test.Positive().OfText("lower(hex(e))"));
}

// The level of a SeverityNumber, as SeverityLevel (value.h) has it.
std::string OfSeverity(const SqlTest& test) {
  return fmt::format("if(SeverityNumber > 24, 0, intDiv(SeverityNumber + 3, 4)) {} {}", OperatorText(test.op()),
                     test.literal().integer);
}

std::string IsSet(std::string_view id, size_t bytes) {
  return fmt::format("{} != toFixedString('', {})", id, bytes);
}

std::optional<std::string> CompareOfLog(Intrinsic intrinsic, const SqlTest& test, SqlParameters& parameters) {
  switch (intrinsic) {
    case Intrinsic::kBody:
      return test.OfText("Body");
    case Intrinsic::kSeverity:
      return OfSeverity(test);
    case Intrinsic::kSeverityText:
      return test.OfText("SeverityText");
    case Intrinsic::kSeverityNumber:
      return test.OfWhole("SeverityNumber");
    case Intrinsic::kLogEventName:
      return test.OfText("EventName");
    case Intrinsic::kTraceId:  // a record without one has none to compare
      return And(OfId("TraceId", 16, test, parameters), IsSet("TraceId", 16));
    case Intrinsic::kSpanId:
      return And(OfId("SpanId", 8, test, parameters), IsSet("SpanId", 8));
    case Intrinsic::kInstrumentationName:
      return test.OfText("ScopeName");
    case Intrinsic::kInstrumentationVersion:
      return test.OfText("ScopeVersion");
    default:
      return std::nullopt;
  }
}

}  // namespace

// Plain text in the form that the table's index understands (docs/adr/005-log-text.md); beyond ASCII only the second
// knows which letters belong together.
std::string HasText(const FullText& text, SqlParameters& parameters) {
  if (text.folded != nullptr) return "positionCaseInsensitiveUTF8(Body, " + parameters.BindText(text.text) + ") > 0";
  std::string pattern = "%";
  for (const char c : text.text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return "lower(Body) LIKE " + parameters.BindText(pattern + "%");
}

std::optional<std::string> CompareIntrinsic(Subject subject, Intrinsic intrinsic, const SqlTest& test,
                                            SqlParameters& parameters) {
  if (subject == Subject::kLogs) return CompareOfLog(intrinsic, test, parameters);
  switch (intrinsic) {
    case Intrinsic::kDuration:
      return test.OfWhole("Duration");
    case Intrinsic::kName:
      return test.OfText("SpanName");
    case Intrinsic::kStatus:
      return OfName("StatusCode", test, kStatuses);
    case Intrinsic::kKind:
      return OfName("SpanKind", test, kKinds);
    case Intrinsic::kStatusMessage:
      return test.OfText("StatusMessage");
    case Intrinsic::kInstrumentationName:
      return test.OfText("ScopeName");
    case Intrinsic::kInstrumentationVersion:
      return test.OfText("ScopeVersion");
    case Intrinsic::kTraceId:
      return OfId("TraceId", 16, test, parameters);
    case Intrinsic::kSpanId:
      return OfId("SpanId", 8, test, parameters);
    case Intrinsic::kParentId:
      return test.OfText("if(" + std::string(kNoParent) + ", '', lower(hex(ParentSpanId)))");
    case Intrinsic::kEventName:
      return OfEach("Events.Name", test, test.Positive().OfText("e"));
    case Intrinsic::kEventTimeSinceStart: {
      const std::string since = "toUnixTimestamp64Nano(e) - toUnixTimestamp64Nano(Timestamp)";
      return OfEach("Events.Timestamp", test, test.Positive().OfWhole("(" + since + ")"));
    }
    case Intrinsic::kLinkTraceId:
      return OfIds("Links.TraceId", test);
    case Intrinsic::kLinkSpanId:
      return OfIds("Links.SpanId", test);
    default:
      return std::nullopt;
  }
}

std::optional<std::string> HasIntrinsic(Subject subject, Intrinsic intrinsic) {
  if (subject == Subject::kLogs && intrinsic == Intrinsic::kTraceId) return IsSet("TraceId", 16);
  if (subject == Subject::kLogs && intrinsic == Intrinsic::kSpanId) return IsSet("SpanId", 8);
  switch (intrinsic) {
    case Intrinsic::kParent:
      return "ParentSpanId != toFixedString('', 8)";
    case Intrinsic::kEventName:
    case Intrinsic::kEventTimeSinceStart:
      return "notEmpty(Events.Name)";
    case Intrinsic::kLinkTraceId:
    case Intrinsic::kLinkSpanId:
      return "notEmpty(Links.TraceId)";
    case Intrinsic::kTraceDuration:
    case Intrinsic::kRootName:
    case Intrinsic::kRootService:
      return std::nullopt;
    default:
      return "1";
  }
}

}  // namespace sightline::traceql
