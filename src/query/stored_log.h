// A log record that was read back, as TraceQL evaluates it: its fields for exports, and what tests hold SQL to.
// Data: LogRecord -> values with the types in which they were recorded.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "query/json_body.h"
#include "query/logs.h"
#include "query/stored_values.h"
#include "traceql/span_view.h"

namespace sightline::query {

// Thread: of its owner, as it reads the body when it is asked for. Borrows all.
class StoredLog : public traceql::SpanView {
 public:
  // Null: the record has no such set.
  StoredLog(const LogRecord& record, const AttributeSet* resource, const AttributeSet* scope);

  traceql::Value Intrinsic(traceql::Intrinsic intrinsic) const override;
  traceql::Value Attribute(traceql::Scope scope, std::string_view key) const override;
  traceql::Value InBody(std::span<const std::string> path) const override;

 private:
  const LogRecord& record_;
  mutable StoredValues values_;
  StoredValues::ByKey attributes_, resource_, scope_;
  mutable std::optional<JsonBody> body_;
};

}  // namespace sightline::query
