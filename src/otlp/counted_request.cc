#include "otlp/counted_request.h"

#include <array>
#include <optional>
#include <utility>

#include "otlp/columns.h"
#include "otlp/span_dimensions.h"

namespace sightline::otlp {
namespace {

// Finds most texts that it has copied before: a request repeats few of them. One that is made so that it does not (or
// happens to be) is copied whole once instead: what is left is never much more than the request. Thread: of its owner.
class Copier {
 public:
  struct Shared {
    Slice from, to;
  };

  explicit Copier(std::string_view request) : request_(request) {}

  // Of a text that stands elsewhere.
  Slice Add(std::string_view text) {
    if (text.empty()) return {};
    Slice& known = known_[HashText(text) % known_.size()];
    if (known.In(out_) != text) {
      known = {static_cast<uint32_t>(out_.size()), static_cast<uint32_t>(text.size())};
      out_.append(text);
    }
    return known;
  }

  void Move(Slice& slice) {
    const std::string_view text = slice.In(request_);
    if (text.empty()) {
      slice = {};
      return;
    }
    Slice& known = known_[HashText(text) % known_.size()];
    if (known.In(out_) != text) known = Copy(slice);
    slice = known;
  }

  // Neighbours share them: the same place is the same text, however often others have taken its place here.
  void MoveShared(Slice& slice, Shared& shared) {
    const Slice from = slice;
    if (from.offset == shared.from.offset && from.size == shared.from.size) {
      slice = shared.to;
      return;
    }
    Move(slice);
    shared = {from, slice};
  }

  std::string Take() { return std::move(out_); }

 private:
  Slice Copy(Slice slice) {
    if (!whole_at_ && out_.size() + slice.size > request_.size() / kShareMax) {
      whole_at_ = static_cast<uint32_t>(out_.size());
      out_.append(request_);
    }
    if (whole_at_) return {*whole_at_ + slice.offset, slice.size};
    const Slice copy{static_cast<uint32_t>(out_.size()), slice.size};
    out_.append(slice.In(request_));
    return copy;
  }

  static constexpr size_t kShareMax = 4;  // beyond a fourth of the request its copy is no saving any more

  const std::string_view request_;
  std::string out_;
  std::optional<uint32_t> whole_at_;  // where the whole request stands in out_
  std::array<Slice, 64> known_;       // in out_, by hash
};

}  // namespace

std::string TakeWhatIsCounted(std::string_view request, Scan& scan, const PredictionNames& predictions,
                              const std::vector<Dimension>& dimensions) {
  SIGHTLINE_CHECK(scan.heads.size() == scan.items.size());
  Copier copier(request);
  if (!dimensions.empty()) {
    DimensionReader reader(dimensions, Limits{});
    scan.dimensions.reserve(scan.items.size());
    for (const ItemRef& item : scan.items) {
      const std::string_view resource = scan.scopes[item.scope].resource.In(request);
      scan.dimensions.push_back(copier.Add(reader.ReadSpan(item.message.In(request), resource)));
    }
  }
  Copier::Shared resource;
  Copier::Shared schema_url;
  for (ScopeRef& scope : scan.scopes) {
    copier.MoveShared(scope.resource, resource);
    copier.MoveShared(scope.resource_schema_url, schema_url);
    copier.Move(scope.scope);
    copier.Move(scope.scope_schema_url);
  }
  for (size_t i = 0; i < scan.heads.size(); ++i) {
    SpanHead& head = scan.heads[i];
    if (predictions.Match(head.name.In(request))) copier.Move(scan.items[i].message);
    copier.Move(head.name);
    copier.Move(head.trace_state);
  }
  return copier.Take();
}

}  // namespace sightline::otlp
