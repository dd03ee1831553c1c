#include "otlp/counted_request.h"

#include <array>

#include "otlp/columns.h"

namespace sightline::otlp {
namespace {

// Finds most texts that it has copied before: a request repeats few of them. Thread: of its owner.
class Copier {
 public:
  explicit Copier(std::string_view request) : request_(request) {}

  void Move(Slice& slice) {
    const std::string_view text = slice.In(request_);
    if (text.empty()) {
      slice = {};
      return;
    }
    Slice& known = known_[HashText(text) % known_.size()];
    if (known.In(out_) != text) {
      known = {static_cast<uint32_t>(out_.size()), slice.size};
      out_.append(text);
    }
    slice = known;
  }

  std::string Take() { return std::move(out_); }

 private:
  const std::string_view request_;
  std::string out_;
  std::array<Slice, 64> known_;  // in out_, by hash
};

}  // namespace

std::string TakeWhatIsCounted(std::string_view request, Scan& scan) {
  SIGHTLINE_CHECK(scan.heads.size() == scan.items.size());
  Copier copier(request);
  for (ScopeRef& scope : scan.scopes) {
    for (Slice* slice : {&scope.resource, &scope.resource_schema_url, &scope.scope, &scope.scope_schema_url}) {
      copier.Move(*slice);
    }
  }
  for (SpanHead& head : scan.heads) {
    copier.Move(head.name);
    copier.Move(head.trace_state);
  }
  return copier.Take();
}

}  // namespace sightline::otlp
