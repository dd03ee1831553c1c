#include "store/refused_blocks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "base/fault.h"
#include "base/json_text.h"
#include "base/log.h"
#include "otlp/extract.h"
#include "store/journal_frames.h"

namespace sightline::store {
namespace {

constexpr std::string_view kPrefix = "block-";
constexpr std::string_view kUnfinished = ".new";

std::string Reason() {
  return std::strerror(errno);
}

Result<void> Sync(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const std::string reason = Reason();
  if (fd >= 0) close(fd);
  if (!synced) return Fail(Code::kUnavailable, "sync {}: {}", path, reason);
  return {};
}

Result<void> WriteFile(const std::string& path, std::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Fail(Code::kUnavailable, "create {}: {}", path, Reason());
  bool written = true;
  while (written && !bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    written = n >= 0;
    if (written) bytes.remove_prefix(static_cast<size_t>(n));
  }
  written = written && fsync(fd) == 0;
  const std::string reason = Reason();
  close(fd);
  if (!written) return Fail(Code::kUnavailable, "write {}: {}", path, reason);
  return {};
}

Result<void> MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return Fail(Code::kUnavailable, "create {}: {}", path, Reason());
}

uint64_t BytesIn(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code of_file;
    const uint64_t size = it->is_regular_file(of_file) ? it->file_size(of_file) : 0;
    if (!of_file) bytes += size;
  }
  return bytes;
}

// The items of a frame that are not in the store.
class LeftOut {
 public:
  LeftOut(otlp::Signal signal, const otlp::BlockBuilder::Options& options, const PartialInsert& insert)
      : takes_all_(!insert.is_partly_stored), builder_(otlp::BlockBuilder::Create(signal, options)) {
    // An item whose own row is stored would be stored twice if it were sent again for the sake of what is derived from
    // it.
    for (const RefusedPart& part : insert.refused) {
      if (!IsDerivedTable(part.table)) refused_.emplace(part.table, part.day);
    }
  }

  std::vector<otlp::ItemRef> Of(const PendingFrame& frame) {
    if (takes_all_) return frame.scan.items;
    std::vector<otlp::ItemRef> items;
    for (const otlp::ItemRef& item : frame.scan.items) {
      builder_->Append(frame.bytes, frame.scan, item, frame.received_unix_nanos);
      // Only the builder knows which table and day an item becomes a row of.
      for (const otlp::TableBlock& table : builder_->Finish(otlp::kNoBlock)) {
        if (!refused_.contains({table.table, table.day})) continue;
        items.push_back(item);
        break;
      }
    }
    return items;
  }

 private:
  const bool takes_all_;
  const std::unique_ptr<otlp::BlockBuilder> builder_;
  std::set<std::pair<std::string_view, int32_t>> refused_;
};

// "1.otlp.pb", "2.otlp.pb" ... in a directory. Thread: one.
class RequestFiles {
 public:
  RequestFiles(std::string directory, uint64_t file_bytes_max)
      : directory_(std::move(directory)), file_bytes_max_(file_bytes_max) {}

  Result<void> Append(const std::string& request) {
    if (!pending_.empty() && pending_.size() + request.size() > file_bytes_max_) SIGHTLINE_TRY(Flush());
    pending_ += request;
    bytes_ += request.size();
    return {};
  }
  Result<void> Flush() {
    if (pending_.empty()) return {};
    names_.push_back(fmt::format("{}.otlp.pb", names_.size() + 1));
    SIGHTLINE_TRY(WriteFile(directory_ + "/" + names_.back(), pending_));
    pending_.clear();
    return {};
  }
  uint64_t bytes() const { return bytes_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const std::string directory_;
  const uint64_t file_bytes_max_;
  std::string pending_;
  uint64_t bytes_ = 0;
  std::vector<std::string> names_;
};

std::string DayText(int32_t day) {
  if (day == otlp::kNoDay) return {};
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string ReasonJson(const journal::Manifest& manifest, const PartialInsert& insert, uint64_t items,
                       const std::vector<std::string>& files) {
  std::string json = fmt::format("{{\n  \"block\": {},\n  \"signal\": \"{}\",\n  \"items\": {},\n  \"files\": [",
                                 manifest.block, otlp::SignalName(manifest.signal), items);
  for (size_t i = 0; i < files.size(); ++i) json += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", files[i]);
  json += "],\n  \"refused\": [";
  for (size_t i = 0; i < insert.refused.size(); ++i) {
    const RefusedPart& part = insert.refused[i];
    json += fmt::format("{}\n    {{\"table\": \"{}\", \"day\": \"{}\", \"rows\": {}, \"error\": ", i == 0 ? "" : ",",
                        part.table, DayText(part.day), part.rows);
    AppendJsonString(json, part.error.message);
    json += "}";
  }
  json += "\n  ]\n}\n";
  return json;
}

}  // namespace

RefusedBlocks::RefusedBlocks(RefusedOptions options, journal::Journal& journal, MetricsRegistry& metrics)
    : options_(std::move(options)), journal_(journal), metrics_(metrics) {}

Result<std::unique_ptr<RefusedBlocks>> RefusedBlocks::Open(RefusedOptions options, journal::Journal& journal,
                                                           MetricsRegistry& metrics) {
  std::unique_ptr<RefusedBlocks> blocks(new RefusedBlocks(std::move(options), journal, metrics));
  const std::string& directory = blocks->options_.directory;
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return blocks;
  std::vector<std::filesystem::path> unfinished;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (!name.starts_with(kPrefix)) continue;
    if (name.ends_with(kUnfinished)) unfinished.push_back(it->path());
    uint64_t block = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), block);
    blocks->block_max_ = std::max(blocks->block_max_, block);
  }
  for (const auto& path : unfinished) {
    if (!error) std::filesystem::remove_all(path, error);
  }
  if (error) return Fail(Code::kUnavailable, "read {}: {}", directory, error.message());
  return blocks;
}

std::string RefusedBlocks::PathOf(const journal::Manifest& manifest) const {
  return fmt::format("{}/{}{:020}-{}", options_.directory, kPrefix, manifest.block, otlp::SignalName(manifest.signal));
}

bool RefusedBlocks::Contains(const journal::Manifest& manifest) const {
  std::error_code error;
  return std::filesystem::exists(PathOf(manifest), error);
}

Result<void> RefusedBlocks::SetAside(const journal::Manifest& manifest, const PartialInsert& insert) {
  const std::lock_guard lock(mutex_);
  const std::string path = PathOf(manifest);
  const std::string unfinished = path + std::string(kUnfinished);
  if (FaultPoint("store.refuse.begin")) return Fail(Code::kUnavailable, "write {}: injected fault", path);
  if (!Contains(manifest)) {
    std::error_code ignored;
    std::filesystem::remove_all(unfinished, ignored);
    SIGHTLINE_TRY(MakeDirectory(options_.directory));
    SIGHTLINE_TRY(MakeDirectory(unfinished));
    if (Result<void> written = Write(manifest, insert, unfinished); !written) {
      std::filesystem::remove_all(unfinished, ignored);
      return written;
    }
    if (rename(unfinished.c_str(), path.c_str()) != 0) {
      return Fail(Code::kUnavailable, "rename {}: {}", unfinished, Reason());
    }
  }
  SIGHTLINE_TRY(Sync(options_.directory, O_RDONLY | O_DIRECTORY));
  if (FaultPoint("store.refuse.end")) return Fail(Code::kUnavailable, "write {}: injected fault", path);
  const Error& reason = insert.refused.front().error;
  metrics_
      .GetCounter("sightline.store.set_aside_blocks", "{block}", "Blocks that ClickHouse refuses, written to files.",
                  {{"signal", std::string(otlp::SignalName(manifest.signal))},
                   {"clickhouse_code", fmt::format("{}", ClickHouseCode(reason.message))}})
      .Add(1);
  Log(LogLevel::kError, "ClickHouse refuses a block: its items are in files, from which they can be sent again",
      {{"directory", path}, {"signal", otlp::SignalName(manifest.signal)}, {"error", reason.message}});
  return {};
}

Result<void> RefusedBlocks::Write(const journal::Manifest& manifest, const PartialInsert& insert,
                                  const std::string& directory) {
  const uint64_t used = BytesIn(options_.directory);
  LeftOut left_out(manifest.signal, options_.builder, insert);
  RequestFiles files(directory, options_.file_bytes_max);
  uint64_t items = 0;
  // The items of span metrics are in blocks of their own.
  const bool has_items = manifest.kind == journal::BlockKind::kItems;
  for (const uint64_t number : has_items ? journal_.FramesIn(manifest) : std::vector<uint64_t>()) {
    Result<ReadBackFrame> read = ReadBack(journal_, number);
    if (!read) return std::unexpected(read.error());
    const std::vector<otlp::ItemRef> chosen = left_out.Of(read->frame);
    items += chosen.size();
    SIGHTLINE_TRY(files.Append(otlp::ExtractItems(read->frame.bytes, read->frame.scan, chosen)));
    if (used + files.bytes() > options_.bytes_max) {
      return Fail(Code::kResourceExhausted, "{} has no room for block {}: limits.refused_bytes_max is {} bytes",
                  options_.directory, manifest.block, options_.bytes_max);
    }
  }
  SIGHTLINE_TRY(files.Flush());
  SIGHTLINE_TRY(WriteFile(directory + "/reason.json", ReasonJson(manifest, insert, items, files.names())));
  return Sync(directory, O_RDONLY | O_DIRECTORY);
}

}  // namespace sightline::store
