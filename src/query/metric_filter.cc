#include "query/metric_filter.h"

#include "query/stored_values.h"
#include "traceql/evaluate.h"

namespace sightline::query {
namespace {

constexpr std::string_view kServiceName = "service.name";

// Thread: of its owner. Borrows the labels.
class LabelView final : public traceql::SpanView {
 public:
  explicit LabelView(const StreamLabels& labels) : labels_(labels), attributes_(values_.Of(labels.attributes)) {
    if (labels.resource != nullptr) resource_ = values_.Of(labels.resource->attributes);
  }

  traceql::Value Intrinsic(traceql::Intrinsic) const override { return traceql::Value::Nil(); }
  traceql::Value Attribute(traceql::Scope scope, std::string_view key) const override {
    if (scope == traceql::Scope::kSpan) return StoredValues::Find(attributes_, key);
    if (scope != traceql::Scope::kResource) return traceql::Value::Nil();
    // Streams that are counted from spans know of their resource only this.
    if (key == kServiceName && !labels_.service.empty()) return traceql::Value::String(labels_.service);
    return StoredValues::Find(resource_, key);
  }

 private:
  const StreamLabels& labels_;
  StoredValues values_;
  StoredValues::ByKey attributes_, resource_;
};

}  // namespace

bool Matches(const traceql::Expression& filter, const StreamLabels& labels) {
  return traceql::Matches(filter, LabelView(labels));
}

}  // namespace sightline::query
