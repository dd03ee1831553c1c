#include "store/engine_config.h"

#include <fmt/core.h>

namespace sightline::store {
namespace {

constexpr uint64_t kZstdPartBytesMin = 20'000'000;
constexpr uint64_t kMarkCacheBytes = 32 << 20;
constexpr uint64_t kSmallCacheBytes = 8 << 20;

}  // namespace

std::string EngineConfig(uint64_t server_memory_bytes_max) {
  return fmt::format(R"(<!-- Written by Sightline at each start; changes are lost. -->
<clickhouse>
  <compression>
    <case>
      <min_part_size>{zstd_part}</min_part_size>
      <min_part_size_ratio>0</min_part_size_ratio>
      <method>zstd</method>
      <level>1</level>
    </case>
  </compression>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <index_mark_cache_size>{small}</index_mark_cache_size>
  <query_condition_cache_size>{small}</query_condition_cache_size>
  <primary_index_cache_size>{small}</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <compiled_expression_cache_size>{small}</compiled_expression_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio>
  <background_common_pool_size>2</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <max_thread_pool_size>200</max_thread_pool_size>
  <max_thread_pool_free_size>8</max_thread_pool_free_size>
</clickhouse>
)",
                     fmt::arg("zstd_part", kZstdPartBytesMin), fmt::arg("memory", server_memory_bytes_max),
                     fmt::arg("marks", kMarkCacheBytes), fmt::arg("small", kSmallCacheBytes));
}

}  // namespace sightline::store
