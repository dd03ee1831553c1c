#include "sample/kept_request.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

#include "otlp/wire_fields.h"
#include "otlp/wire_writer.h"

namespace sightline::sample {
namespace {

using journal::Journal;
namespace field = otlp::field;

// A stretch of pieces_. A message that was not there is told from an empty one.
struct Piece {
  size_t at = 0;
  uint32_t size = 0;
  bool present = false;
};

struct Scope {
  Piece scope, schema_url;
  std::vector<Piece> spans;
};
struct Resource {
  Piece resource, schema_url;
  std::vector<uint32_t> scopes;  // into scopes_
};

// Thread: one.
class Assembler {
 public:
  explicit Assembler(Journal& journal) : journal_(journal) {}

  // The spans of one frame, ascending by offset.
  Result<void> AddFrame(std::span<const SpanPlace> spans);
  std::string Write();

 private:
  uint32_t ScopeOf(const otlp::ScopeRef& ref);
  Piece Find(const otlp::Slice& slice) const;
  std::string_view View(const Piece& piece) const { return std::string_view(pieces_).substr(piece.at, piece.size); }
  uint64_t HashOf(const Piece& a, const Piece& b, uint64_t seed) const;

  Journal& journal_;
  std::string pieces_;  // what was read, frame after frame
  std::vector<Resource> resources_;
  std::vector<Scope> scopes_;
  boost::unordered_flat_map<uint64_t, uint32_t> resource_of_hash_, scope_of_hash_;

  // Of the frame that is being added: what was read, in order, and where it begins in pieces_.
  std::vector<Journal::Slice> slices_;
  std::vector<size_t> places_;
};

Result<void> Assembler::AddFrame(std::span<const SpanPlace> spans) {
  const FrameHold& frame = *spans.front().frame;
  std::vector<uint32_t> used;  // scopes
  slices_.clear();
  const auto want = [&](const otlp::Slice& slice) {
    if (slice.size != 0) slices_.push_back({slice.offset, slice.size});
  };
  for (const SpanPlace& span : spans) {
    slices_.push_back({span.offset, span.size});
    if (used.empty() || used.back() != span.scope) used.push_back(span.scope);
  }
  std::ranges::sort(used);
  used.erase(std::ranges::unique(used).begin(), used.end());
  for (const uint32_t scope : used) {
    const otlp::ScopeRef& ref = frame.scopes[scope];
    want(ref.resource);
    want(ref.resource_schema_url);
    want(ref.scope);
    want(ref.scope_schema_url);
  }
  std::ranges::sort(slices_, {}, &Journal::Slice::offset);
  slices_.erase(std::ranges::unique(slices_, {}, &Journal::Slice::offset).begin(), slices_.end());
  size_t at = pieces_.size();
  places_.clear();
  for (const Journal::Slice& slice : slices_) {
    places_.push_back(at);
    at += slice.size;
  }
  SIGHTLINE_TRY(journal_.ReadSlices(frame.number, slices_, pieces_));
  boost::unordered_flat_map<uint32_t, uint32_t> scope_numbers;
  for (const uint32_t scope : used) scope_numbers[scope] = ScopeOf(frame.scopes[scope]);
  for (const SpanPlace& span : spans) {
    scopes_[scope_numbers[span.scope]].spans.push_back(Find({span.offset, span.size}));
  }
  return {};
}

Piece Assembler::Find(const otlp::Slice& slice) const {
  if (slice.size == 0) return {.present = slice.offset != 0};
  const auto found = std::ranges::lower_bound(slices_, slice.offset, {}, &Journal::Slice::offset);
  return {places_[static_cast<size_t>(found - slices_.begin())], slice.size, true};
}

uint64_t Assembler::HashOf(const Piece& a, const Piece& b, uint64_t seed) const {
  const uint64_t first = XXH3_64bits_withSeed(View(a).data(), a.size, seed + (a.present ? 1 : 0));
  return XXH3_64bits_withSeed(View(b).data(), b.size, first);
}

uint32_t Assembler::ScopeOf(const otlp::ScopeRef& ref) {
  const Piece resource = Find(ref.resource), resource_url = Find(ref.resource_schema_url);
  const Piece scope = Find(ref.scope), scope_url = Find(ref.scope_schema_url);
  const uint64_t resource_hash = HashOf(resource, resource_url, 0);
  const auto [in_resources, is_new_resource] =
      resource_of_hash_.try_emplace(resource_hash, static_cast<uint32_t>(resources_.size()));
  if (is_new_resource) resources_.push_back({resource, resource_url, {}});
  const uint32_t resource_number = in_resources->second;
  const auto [in_scopes, is_new_scope] =
      scope_of_hash_.try_emplace(HashOf(scope, scope_url, resource_hash), static_cast<uint32_t>(scopes_.size()));
  if (is_new_scope) {
    scopes_.push_back({scope, scope_url, {}});
    resources_[resource_number].scopes.push_back(in_scopes->second);
  }
  return in_scopes->second;
}

std::string Assembler::Write() {
  otlp::WireWriter out;
  out.Reserve(pieces_.size() + pieces_.size() / 16 + 256);
  for (const Resource& resource : resources_) {
    const size_t in_resource = out.Begin(field::request::kResources);
    if (resource.resource.present) out.Bytes(field::resource_items::kResource, View(resource.resource));
    for (const uint32_t number : resource.scopes) {
      const Scope& scope = scopes_[number];
      const size_t in_scope = out.Begin(field::resource_items::kScopes);
      if (scope.scope.present) out.Bytes(field::scope_items::kScope, View(scope.scope));
      for (const Piece& span : scope.spans) out.Bytes(field::scope_items::kItems, View(span));
      if (scope.schema_url.size != 0) out.Bytes(field::scope_items::kSchemaUrl, View(scope.schema_url));
      out.End(in_scope);
    }
    if (resource.schema_url.size != 0) out.Bytes(field::resource_items::kSchemaUrl, View(resource.schema_url));
    out.End(in_resource);
  }
  return out.Take();
}

}  // namespace

KeptRequest ReadKept(Journal& journal, std::span<const PendingDecisions::KeptSpan> spans) {
  std::vector<SpanPlace> places;
  places.reserve(spans.size());
  for (const auto& span : spans) places.push_back(span.place);
  std::ranges::sort(places, [](const SpanPlace& a, const SpanPlace& b) {
    return a.frame != b.frame ? a.frame->number < b.frame->number : a.offset < b.offset;
  });
  KeptRequest request;
  Assembler assembler(journal);
  for (size_t first = 0, next = 0; first < places.size(); first = next) {
    while (next < places.size() && places[next].frame == places[first].frame) ++next;
    const Result<void> added = assembler.AddFrame(std::span(places).subspan(first, next - first));
    if (added) continue;
    request.unreadable += next - first;
    request.error = added.error();
  }
  request.bytes = assembler.Write();
  return request;
}

}  // namespace sightline::sample
