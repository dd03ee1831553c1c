// Hashes and compares lists of attributes as sets, in whatever order a call gives them, without copying anything: this
// is where the time of a measurement goes.
#pragma once

#include <cstdint>
#include <string_view>

#include "otel/attributes.h"

namespace otel::internal {

// The same for lists with the same attributes in another order. Differs from process to process, so that nobody can
// choose attributes that collide.
uint64_t HashOf(AttributesView list);

// Whether the list has exactly the attributes of `set`, which has each key once.
bool SameSet(AttributesView set, AttributesView list);

// Whether each attribute counts: none without a key, none with the key of another.
bool HasEachKeyOnce(AttributesView list);

}  // namespace otel::internal
