#include "otlp/filled_columns.h"

#include <xxhash.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace sightline::otlp {
namespace {

constexpr std::string_view kMayBeUnfilled[] = {"TraceState",
                                               "Flags",
                                               "StatusMessage",
                                               "ScopeVersion",
                                               "ScopeId",
                                               "DroppedAttributesCount",
                                               "DroppedEventsCount",
                                               "DroppedLinksCount",
                                               "Repairs",
                                               "SamplingPolicy"};

// Programs have some dozens. Beyond it the texts would weigh more than what they spare.
constexpr size_t kTextsPerBlockMax = 1000;

}  // namespace

bool MayBeUnfilled(std::string_view span_column) {
  return span_column.starts_with("a.") || std::ranges::find(kMayBeUnfilled, span_column) != std::end(kMayBeUnfilled);
}

size_t FilledColumns::Hash::operator()(const Bits& bits) const {
  return XXH3_64bits(bits.data(), sizeof(bits));
}

void FilledColumns::Watch(const std::vector<NamedColumn>& columns) {
  for (const NamedColumn& named : columns) {
    if (MayBeUnfilled(named.name)) columns_.push_back(named);
  }
  SIGHTLINE_CHECK(columns_.size() <= kColumnsMax);
}

void FilledColumns::Write(uint64_t row, LowCardinalityColumn& names) {
  Bits bits{};
  for (size_t i = 0; i < columns_.size(); ++i) {
    bits[i / 64] |= uint64_t{columns_[i].column->rows() > row} << (i % 64);
  }
  const auto [found, is_new] = numbers_.try_emplace(bits, 0);
  if (is_new) found->second = Number(bits, names);
  names.SetNumber(row, found->second);
}

uint32_t FilledColumns::Number(const Bits& bits, LowCardinalityColumn& names) {
  if (numbers_.size() > kTextsPerBlockMax) return names.interner().Intern(kFilledUnknown);
  std::string text;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if ((bits[i / 64] >> (i % 64) & 1) == 0) continue;
    if (!text.empty()) text += kFilledSeparator;
    text += columns_[i].name;
  }
  return names.interner().Intern(text);
}

}  // namespace sightline::otlp
