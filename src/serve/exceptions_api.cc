#include "serve/exceptions_api.h"

#include <simdjson.h>

#include <optional>

#include "serve/body_member.h"

namespace sightline::serve {
namespace {

void WriteTexts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.Key(key).Begin('[');
  for (const std::string& text : texts) json.String(text);
  json.End(']');
}

void WriteDecision(JsonWriter& json, const state::ExceptionDecision& decision) {
  const auto nanos_or_null = [&](int64_t unix_nanos) {
    if (unix_nanos > 0) {
      json.Nanos(unix_nanos);
    } else {
      json.Null();
    }
  };
  json.Begin('{').Key("state").String(decision.state).Key("note").String(decision.note);
  json.Key("resolved_in_version").String(decision.resolved_in_version).Key("version").Int(decision.version);
  json.Key("decided_unix_nano").Nanos(decision.decided_unix_nanos).Key("regressed_unix_nano");
  nanos_or_null(decision.regressed_unix_nanos);
  json.End('}');
}

void WriteGroup(JsonWriter& json, const query::ExceptionGroup& group) {
  json.Begin('{').Key("id").String(group.id).Key("service").String(group.service).Key("type").String(group.type);
  WriteTexts(json, "frames", group.frames);
  json.Key("message").String(group.message).Key("stacktrace").String(group.stack_trace);
  json.Key("count").Number(group.count).Key("estimated").Bool(group.is_estimate);
  json.Key("first_unix_nano").Nanos(group.first_unix_nanos).Key("last_unix_nano").Nanos(group.last_unix_nanos);
  json.Key("new");
  if (group.is_new) {
    json.Bool(*group.is_new);
  } else {
    json.Null();
  }
  WriteTexts(json, "versions", group.versions);
  json.Key("trend").Begin('[');
  for (const double count : group.trend) json.Number(count);
  json.End(']');
  WriteTexts(json, "trace_ids", group.trace_ids);
  json.Key("state").String(query::NameOf(group.state)).Key("decision");
  if (group.decision) {
    WriteDecision(json, *group.decision);
  } else {
    json.Null();
  }
  json.End('}');
}

// The state alone is wanted, and no further members are known.
Result<void> ReadDecision(const net::HttpRequest& request, state::DecisionContent& content,
                          std::optional<int64_t>& seen_version) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (auto error = parser.parse(request.body).get(object)) {
    return Fail(Code::kInvalidArgument, "body: a JSON object is wanted ({})", simdjson::error_message(error));
  }
  for (const auto& [key, value] : object) {
    if (key == "version") {
      int64_t version = 0;
      if (value.get(version) != simdjson::SUCCESS || version < 0) {
        return Fail(Code::kInvalidArgument, "version: a whole number from 0 on is wanted");
      }
      seen_version = version;
      continue;
    }
    std::string* const text = key == "state"                 ? &content.state
                              : key == "note"                ? &content.note
                              : key == "resolved_in_version" ? &content.resolved_in_version
                                                             : nullptr;
    if (text == nullptr) {
      return Fail(Code::kInvalidArgument, "body: it has state, note, resolved_in_version and version, but no {:?}",
                  std::string_view(key));
    }
    std::string_view given;
    if (value.get(given) != simdjson::SUCCESS) {
      return Fail(Code::kInvalidArgument, "{}: a text is wanted", std::string_view(key));
    }
    *text = given;
  }
  return {};
}

std::optional<query::ExceptionState> StateNamed(std::string_view name) {
  for (size_t i = 0; i < query::kExceptionStates; ++i) {
    const auto state = static_cast<query::ExceptionState>(i);
    if (query::NameOf(state) == name) return state;
  }
  return std::nullopt;
}

}  // namespace

void ExceptionsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/exceptions", [this](ApiCall& call) { return List(call); }});
  if (decisions_ == nullptr) return;
  router.Add({"PUT", "/api/v1/exceptions/{id}/state", [this](ApiCall& call) { return Decide(call); }});
}

Result<void> ExceptionsApi::List(ApiCall& call) {
  query::ExceptionSearch search;
  search.service = call.params.OptionalText("service");
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.limit = call.params.Limit(50, query::kExceptionsMax);
  for (const std::string& name : call.params.Values("state", query::kExceptionStates)) {
    const auto state = StateNamed(name);
    if (!state) {
      call.params.Refuse("state", {Code::kInvalidArgument,
                                   fmt::format("{:?} is none of open, regressed, resolved and ignored", name)});
      break;
    }
    search.states.push_back(*state);
  }
  SIGHTLINE_TRY(call.params.Check());
  auto list = reader_.Read(search, call.cancellation());
  if (!list) return std::unexpected(list.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos);
  json.Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("looked_from_unix_nano").Nanos(list->looked_from_unix_nanos);
  json.Key("exceptions").Begin('[');
  for (const auto& group : list->groups) {
    if (!json.wanted()) return {};
    WriteGroup(json, group);
  }
  json.End(']').Key("exception_count").UInt(list->groups_in_all).Key("more").Bool(list->has_more);
  json.Key("states").Begin('{');
  for (size_t i = 0; i < list->states.size(); ++i) {
    json.Key(query::NameOf(static_cast<query::ExceptionState>(i))).UInt(list->states[i]);
  }
  json.End('}');
  WriteScanned(json, list->scanned);
  json.End('}');
  return {};
}

Result<void> ExceptionsApi::Decide(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  state::DecisionContent content;
  std::optional<int64_t> seen_version;
  if (auto read = ReadDecision(call.request, content, seen_version); !read) {
    return BlameMember(call, read.error());
  }
  auto decision = decisions_->Decide(call.part("id"), content, seen_version);
  if (!decision) {
    if (decision.error().code == Code::kNotFound) return call.Blame("id", decision.error());
    return BlameMember(call, decision.error());
  }
  WriteDecision(call.json, *decision);
  return {};
}

}  // namespace sightline::serve
