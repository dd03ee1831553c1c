#include "store/journal_frames.h"

namespace sightline::store {

Result<ReadBackFrame> ReadBack(journal::Journal& journal, uint64_t number) {
  Result<journal::Journal::Frame> frame = journal.ReadFrame(number);
  if (!frame) return std::unexpected(frame.error());
  Result<otlp::Scan> scan = otlp::Rescan(frame->header.signal, frame->bytes, frame->header.refused);
  if (!scan) return Wrap(fmt::format("read journal frame {}", number), scan.error());
  return ReadBackFrame{.signal = frame->header.signal,
                       .frame = {.number = number,
                                 .received_unix_nanos = frame->header.received_unix_nanos,
                                 .bytes = std::move(frame->bytes),
                                 .scan = *std::move(scan)}};
}

}  // namespace sightline::store
