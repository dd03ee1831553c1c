#include "query/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace sightline::query {
namespace {

// Takes blocks off bytes that may end within one.
class BlockParser {
 public:
  BlockParser(std::string_view bytes, size_t columns) : bytes_(bytes), columns_(columns) {}

  // None: the block's end has not come yet, or there is a fault.
  std::optional<NumberBlock> Next() {
    position_ = taken_;
    uint64_t columns = 0, rows = 0;
    if (!Count(columns) || !Count(rows)) return std::nullopt;
    if (columns != columns_) return Fault(fmt::format("{} columns instead of {}", columns, columns_));
    std::vector<const char*> begins;
    for (uint64_t i = 0; i < columns; ++i) {
      std::string_view name, type;
      if (!Text(name) || !Text(type)) return std::nullopt;
      if (type != "UInt64" && type != "Int64" && type != "Float64") {
        return Fault(fmt::format("the column {} is of the type {}", name, type));
      }
      if (rows > (bytes_.size() - position_) / NumberBlock::kWidth) return std::nullopt;
      begins.push_back(bytes_.data() + position_);
      position_ += rows * NumberBlock::kWidth;
    }
    taken_ = position_;
    return NumberBlock(rows, std::move(begins));
  }

  size_t taken() const { return taken_; }
  const std::string& fault() const { return fault_; }

 private:
  std::nullopt_t Fault(std::string what) {
    fault_ = std::move(what);
    return std::nullopt;
  }

  bool Count(uint64_t& count) {
    count = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (position_ == bytes_.size()) return false;
      const auto byte = static_cast<uint8_t>(bytes_[position_++]);
      count |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    return true;
  }

  bool Text(std::string_view& text) {
    uint64_t size = 0;
    if (!Count(size) || size > bytes_.size() - position_) return false;
    text = bytes_.substr(position_, size);
    position_ += size;
    return true;
  }

  const std::string_view bytes_;
  const size_t columns_;
  size_t position_ = 0, taken_ = 0;
  std::string fault_;
};

}  // namespace

Result<store::QueryStats> ForEachBlock(store::ClickHouse& clickhouse, const std::string& sql, size_t columns,
                                       store::QueryOptions options,
                                       const std::function<void(const NumberBlock& block)>& read,
                                       store::Cancellation* cancellation) {
  options.format = "Native";
  std::string rest;  // of a block whose end has not come yet
  std::string fault;
  auto take = [&](std::string_view piece) {
    const bool goes_on = !rest.empty();
    if (goes_on) rest += piece;
    const std::string_view bytes = goes_on ? std::string_view(rest) : piece;
    BlockParser parser(bytes, columns);
    try {
      while (const auto block = parser.Next()) read(*block);
      fault = parser.fault();
    } catch (const std::exception& error) {
      fault = error.what();
    }
    if (goes_on)
      rest.erase(0, parser.taken());
    else
      rest = bytes.substr(parser.taken());
    return fault.empty();
  };
  auto stats = clickhouse.Query(sql, options, take, cancellation);
  if (fault.empty() && stats && !rest.empty()) fault = "the last block has no end";
  if (!fault.empty()) return Fail(Code::kInternal, "an answer of the store has another shape than expected: {}", fault);
  return stats;
}

Result<store::QueryStats> ForEachBlock(store::ClickHouse& clickhouse, const std::vector<BlockStatement>& statements,
                                       const std::map<std::string, std::string>& parameters,
                                       store::Cancellation* cancellation) {
  store::QueryStats all;
  if (statements.empty()) return all;
  // A cancellation has one statement to end, so each gets one of its own.
  std::vector<store::Cancellation> ends(statements.size());
  std::vector<Result<store::QueryStats>> outcomes(statements.size());
  const auto end_all = [&] {
    for (store::Cancellation& end : ends) end.Cancel();
  };
  const auto run = [&](size_t i) {
    const BlockStatement& statement = statements[i];
    store::QueryOptions options;
    options.parameters = parameters;
    outcomes[i] =
        ForEachBlock(clickhouse, statement.sql, statement.columns, std::move(options), statement.read, &ends[i]);
    if (!outcomes[i]) end_all();
  };
  if (cancellation != nullptr) cancellation->OnCancel(end_all);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < statements.size(); ++i) threads.emplace_back(run, i);
    run(0);
  }
  if (cancellation != nullptr) cancellation->OnCancel({});
  const Error* fault = nullptr;  // the one that ended the others, if it was one
  for (const auto& outcome : outcomes) {
    if (!outcome && (fault == nullptr || fault->code == Code::kCancelled)) fault = &outcome.error();
    if (!outcome) continue;
    all.rows_read += outcome->rows_read;
    all.bytes_read += outcome->bytes_read;
    all.elapsed_seconds = std::max(all.elapsed_seconds, outcome->elapsed_seconds);
  }
  if (fault != nullptr) return std::unexpected(*fault);
  return all;
}

}  // namespace sightline::query
