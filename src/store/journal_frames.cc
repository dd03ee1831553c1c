#include "store/journal_frames.h"

#include <optional>

namespace sightline::store {

Result<ReadBackFrame> ReadBack(journal::Journal& journal, uint64_t number) {
  Result<journal::Journal::Frame> read = journal.ReadFrame(number);
  if (!read) return std::unexpected(read.error());
  const journal::FrameHeader& header = read->header;
  ReadBackFrame back{
      .stream = {.signal = header.signal,
                 .kind = header.undecided_spans ? journal::BlockKind::kSpanMetrics : journal::BlockKind::kItems},
      .frame = {.number = number, .received_unix_nanos = header.received_unix_nanos, .bytes = std::move(read->bytes)}};
  PendingFrame& frame = back.frame;
  if (header.kind == journal::FrameKind::kDecided) {
    std::optional<sample::DecodedFrame> decoded = sample::DecodeDecidedFrame(frame.bytes);
    if (!decoded) return Fail(Code::kDataLoss, "journal frame {} does not hold decisions", number);
    frame.bytes = std::string(decoded->request);
    frame.graph = std::move(decoded->decisions.graph);
    frame.verdicts = std::make_shared<const sample::Verdicts>(std::move(decoded->decisions));
  }
  Result<otlp::Scan> scan = otlp::Rescan(header.signal, frame.bytes, header.refused,
                                         header.undecided_spans ? otlp::SpanHeads::kNote : otlp::SpanHeads::kSkip);
  if (!scan) return Wrap(fmt::format("read journal frame {}", number), scan.error());
  frame.scan = *std::move(scan);
  return back;
}

}  // namespace sightline::store
