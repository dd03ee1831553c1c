// Chooses measurements as exemplars, each with the same chance, in memory that is bounded from the start.
#pragma once

#include <cstdint>
#include <vector>

#include "otel/exemplar.h"

namespace otel::internal {

// SplitMix64: good enough for choosing examples, and one multiplication or two a number.
// Thread: of its owner.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t end) { return Next() % end; }

 private:
  uint64_t state_;
};

// How many groups of measurements there are (the buckets of a histogram; one where it makes no difference), and how
// many of each are kept.
struct ReservoirShape {
  size_t groups = 1;
  size_t places = 1;
};

// Thread: guarded by its owner.
class Reservoir {
 public:
  explicit Reservoir(ReservoirShape shape) : shape_(shape), seen_(shape.groups), kept_(shape.groups * shape.places) {}

  // Where a measurement of the group is to be written; nothing where it isn't chosen, which is so for most.
  Exemplar* Choose(size_t group, Random& random);
  // Takes over what the other one chose, as if this one had been offered all that both were. Empties the other one.
  void Merge(Reservoir& other, Random& random);
  // Appends what was chosen, and begins anew.
  void Take(std::vector<Exemplar>& exemplars);

 private:
  size_t Kept(size_t group) const { return seen_[group] < shape_.places ? seen_[group] : shape_.places; }

  ReservoirShape shape_;
  std::vector<uint64_t> seen_;  // by group
  std::vector<Exemplar> kept_;  // by group and place; those in use come first
};

// What a view's own reservoir chose, without the attributes that the point has.
std::vector<Exemplar> CollectExemplars(ExemplarReservoir& reservoir, const Attributes& point);

}  // namespace otel::internal
