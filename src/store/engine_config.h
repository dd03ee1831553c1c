// The server settings that Sightline gives libchdb, as ClickHouse's configuration file.
#pragma once

#include <cstdint>
#include <string>

namespace sightline::store {

// docs/adr/002-table-layout.md says why: fresh parts in LZ4, merged ones in ZSTD; small caches and pools, as the engine
// shares its machine with the program around it.
std::string EngineConfig(uint64_t server_memory_bytes_max);

}  // namespace sightline::store
