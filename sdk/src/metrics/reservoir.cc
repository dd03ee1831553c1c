#include "metrics/reservoir.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <span>
#include <utility>

#include "common/random.h"
#include "common/report.h"

namespace otel {
namespace internal {

Exemplar* Reservoir::Choose(size_t group, Random& random) {
  const uint64_t before = seen_[group]++;
  const uint64_t place = before < shape_.places ? before : random.Below(before + 1);
  return place < shape_.places ? &kept_[group * shape_.places + place] : nullptr;
}

// Draws as from the union: from one of the two with the chance that its measurements have, without putting back.
void Reservoir::Merge(Reservoir& other, Random& random) {
  std::vector<Exemplar> drawn;
  for (size_t group = 0; group < shape_.groups; ++group) {
    if (other.seen_[group] == 0) continue;
    std::span<Exemplar> mine(&kept_[group * shape_.places], Kept(group));
    std::span<Exemplar> others(&other.kept_[group * shape_.places], other.Kept(group));
    uint64_t seen_mine = seen_[group], seen_others = other.seen_[group];
    drawn.clear();
    while (drawn.size() < shape_.places && seen_mine + seen_others > 0) {
      const bool take_mine = random.Below(seen_mine + seen_others) < seen_mine;
      std::span<Exemplar>& from = take_mine ? mine : others;
      --(take_mine ? seen_mine : seen_others);
      std::swap(from[random.Below(from.size())], from.back());
      drawn.push_back(std::move(from.back()));
      from = from.first(from.size() - 1);
    }
    std::ranges::move(drawn, kept_.begin() + static_cast<ptrdiff_t>(group * shape_.places));
    seen_[group] += std::exchange(other.seen_[group], 0);
  }
}

void Reservoir::Take(std::vector<Exemplar>& exemplars) {
  for (size_t group = 0; group < shape_.groups; ++group) {
    const auto begin = kept_.begin() + static_cast<ptrdiff_t>(group * shape_.places);
    std::move(begin, begin + static_cast<ptrdiff_t>(Kept(group)), std::back_inserter(exemplars));
    seen_[group] = 0;
  }
}

std::vector<Exemplar> CollectExemplars(ExemplarReservoir& reservoir, const Attributes& point) {
  std::vector<Exemplar> exemplars;
  reservoir.Collect(exemplars);
  for (Exemplar& exemplar : exemplars) {
    std::vector<Attribute> rest;
    std::ranges::copy_if(exemplar.filtered_attributes, std::back_inserter(rest),
                         [&](const Attribute& attribute) { return !point.Find(attribute.key); });
    exemplar.filtered_attributes = Attributes(AttributesView(rest));
  }
  return exemplars;
}

namespace {

// The same for views that ask for it by name: one a point, whatever thread measures.
class SharedReservoir final : public ExemplarReservoir {
 public:
  SharedReservoir(ReservoirShape shape, std::vector<double> boundaries)
      : boundaries_(std::move(boundaries)), reservoir_(shape), random_(RandomNumber()) {}

  void Offer(const ExemplarCandidate& candidate) noexcept override try {
    const double value = std::visit([](auto number) { return static_cast<double>(number); }, candidate.value);
    const auto group = std::ranges::lower_bound(boundaries_, value) - boundaries_.begin();
    const std::lock_guard lock(mutex_);
    if (Exemplar* const chosen = reservoir_.Choose(static_cast<size_t>(group), random_)) {
      *chosen = {candidate.time, candidate.value, candidate.span.trace_id, candidate.span.span_id,
                 Attributes(candidate.attributes)};
    }
  } catch (const std::exception& error) {
    Report("metrics", error.what());
  }

  void Collect(std::vector<Exemplar>& exemplars) override {
    const std::lock_guard lock(mutex_);
    reservoir_.Take(exemplars);
  }

 private:
  const std::vector<double> boundaries_;
  std::mutex mutex_;
  Reservoir reservoir_;
  Random random_;
};

}  // namespace
}  // namespace internal

ExemplarReservoirFactory SimpleFixedSizeExemplarReservoir(size_t size) {
  return [size] {
    return std::make_unique<internal::SharedReservoir>(internal::ReservoirShape{.places = size}, std::vector<double>());
  };
}

ExemplarReservoirFactory AlignedHistogramBucketExemplarReservoir(std::vector<double> boundaries) {
  return [boundaries = std::move(boundaries)] {
    return std::make_unique<internal::SharedReservoir>(internal::ReservoirShape{.groups = boundaries.size() + 1},
                                                       boundaries);
  };
}

}  // namespace otel
