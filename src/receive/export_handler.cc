#include "receive/export_handler.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/compression.h"
#include "otlp/json.h"

namespace sightline::receive {
namespace {

using otlp::Signal;

// OTLP compresses 5 to 15 times; what inflates further is inflated again with more room, up to the limit.
constexpr uint64_t kInflateFactor = 16;
constexpr uint64_t kMoreRoomFactor = 4;
constexpr uint64_t kInflateBytesMin = 64 << 10;

std::unexpected<Error> PushBack(uint64_t bytes, const MemoryBudget& budget) {
  if (bytes > budget.bytes_max()) {
    return Fail(Code::kResourceExhausted, "the request needs {} bytes of memory, all that there is are {}", bytes,
                budget.bytes_max());
  }
  return Fail(Code::kUnavailable, "no memory for a request of {} bytes now: {} of {} are in use", bytes, budget.used(),
              budget.bytes_max());
}

// How large the bytes will be, before they are inflated. A guess, or what they claim themselves.
uint64_t ExpectedBytes(std::string_view encoding, std::string_view bytes) {
  if (encoding == "gzip" && bytes.size() >= 18) {
    uint32_t claimed = 0;  // the last four bytes of a gzip member, little-endian
    std::memcpy(&claimed, bytes.data() + bytes.size() - sizeof(claimed), sizeof(claimed));
    // Deflate cannot do better than 1:1032.
    if (claimed / 1032 <= bytes.size()) return std::max<uint64_t>(claimed, 1);
  }
  return std::max(bytes.size() * kInflateFactor, kInflateBytesMin);
}

Outcome OutcomeOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return Outcome::kInvalid;
    case Code::kUnimplemented:
      return Outcome::kUnsupportedEncoding;
    case Code::kResourceExhausted:
      return Outcome::kTooLarge;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kCancelled:
      return Outcome::kRetryLater;
    default:
      return Outcome::kInternal;
  }
}

Answer ToAnswer(const Error& error) {
  return {.outcome = OutcomeOf(error.code), .message = error.message};
}

}  // namespace

ExportHandler::ExportHandler(const Options& options, Sink& sink, MemoryBudget& budget, MetricsRegistry& metrics,
                             const Clock& clock)
    : options_(options), sink_(sink), budget_(budget), clock_(clock) {
  for (const Signal signal : otlp::kSignals) {
    SignalCounters& counters = counters_[static_cast<size_t>(signal)];
    const std::pair<std::string, std::string> name("signal", otlp::SignalName(signal));
    for (size_t transport = 0; transport < 2; ++transport) {
      for (size_t outcome = 0; outcome < kOutcomes; ++outcome) {
        counters.requests[transport][outcome] =
            &metrics.GetCounter("sightline.receive.requests", "{request}", "Exports answered, by outcome",
                                {name,
                                 {"transport", transport == 0 ? "grpc" : "http"},
                                 {"outcome", std::string(OutcomeName(static_cast<Outcome>(outcome)))}});
      }
    }
    counters.items = &metrics.GetCounter("sightline.receive.items", "{item}",
                                         "Spans, data points and log records answered as kept", {name});
    for (size_t reason = 0; reason < otlp::kRefusals; ++reason) {
      counters.refused[reason] =
          &metrics.GetCounter("sightline.receive.refused_items", "{item}", "Items that came back as partial success",
                              {name, {"reason", std::string(otlp::RefusalName(static_cast<otlp::Refusal>(reason)))}});
    }
    const std::string help = "Bytes of requests, as sent (wire) and decompressed";
    counters.wire_bytes = &metrics.GetCounter("sightline.receive.bytes", "By", help, {name, {"kind", "wire"}});
    counters.decompressed_bytes =
        &metrics.GetCounter("sightline.receive.bytes", "By", help, {name, {"kind", "decompressed"}});
  }
}

void ExportHandler::Handle(ExportRequest request, std::function<void(const Answer&)> reply) {
  const Signal signal = request.signal;
  const Transport transport = request.transport;
  Result<Export> read = Read(std::move(request));
  if (!read) {
    const Answer answer = ToAnswer(read.error());
    Count(signal, transport, answer);
    return reply(answer);
  }
  Answer answer{.rejected = read->scan.items_seen - read->scan.items_accepted,
                .message = std::move(read->scan.refusal_message)};
  const auto refused = read->scan.refused_by_reason;
  const uint64_t accepted = read->scan.items_accepted;
  auto done = [self = shared_from_this(), signal, transport, accepted, refused, answer = std::move(answer),
               reply = std::move(reply)](const Result<void>& kept) {
    if (!kept) {
      // What the sink refuses it refuses for reasons of ours: only the scan judges requests.
      Answer failed = ToAnswer(kept.error());
      if (failed.outcome != Outcome::kInternal) failed.outcome = Outcome::kRetryLater;
      self->Count(signal, transport, failed);
      return reply(failed);
    }
    self->CountItems(signal, accepted, refused);
    self->Count(signal, transport, answer);
    reply(answer);
  };
  if (accepted == 0) return done({});
  sink_.Accept(std::move(*read), std::move(done));
}

Result<Export> ExportHandler::Read(ExportRequest request) {
  SignalCounters& counters = counters_[static_cast<size_t>(request.signal)];
  counters.wire_bytes->Add(request.body.size());
  Result<Body> body = Inflate(request.encoding, std::move(request.body));
  if (!body) return std::unexpected(body.error());
  counters.decompressed_bytes->Add(body->bytes.size());
  if (request.format == Format::kJson) body = Transcode(request.signal, std::move(*body));
  if (!body) return std::unexpected(body.error());

  Export result{.signal = request.signal, .received_unix_nanos = clock_.UnixNanos()};
  const otlp::TimeRules times{.received_unix_nanos = result.received_unix_nanos,
                              .oldest_unix_nanos = sink_.OldestKept(request.signal, result.received_unix_nanos),
                              .future_nanos_max = options_.future_nanos_max};
  auto scan = otlp::ScanRequest(request.signal, body->bytes, options_.limits, times, sink_.span_heads());
  if (!scan) return std::unexpected(scan.error());
  const uint64_t rows = otlp::MemoryBytes(*scan);
  if (!budget_.TryGrow(body->reservation, rows)) return PushBack(body->bytes.size() + rows, budget_);
  result.scan = std::move(*scan);
  result.bytes = std::move(body->bytes);
  result.reservation = std::move(body->reservation);
  return result;
}

Result<ExportHandler::Body> ExportHandler::Inflate(std::string_view encoding, std::string bytes) const {
  const uint64_t limit = options_.decompressed_bytes_max;
  const uint64_t sent = bytes.size();
  auto wire = budget_.TryReserve(sent);
  if (!wire) return PushBack(sent, budget_);
  const auto too_large = [&] {
    return Fail(Code::kResourceExhausted, "the request is larger than the limit of {} bytes after decompression",
                limit);
  };
  if (encoding.empty() || encoding == "identity") {
    if (sent > limit) return too_large();
    return Body{std::move(bytes), std::move(wire)};
  }
  uint64_t room = std::min(limit, ExpectedBytes(encoding, bytes));
  while (true) {
    auto reservation = budget_.TryReserve(room);
    if (!reservation) return PushBack(room, budget_);
    const bool last = room == limit;
    auto inflated = net::Decompress(encoding, last ? std::move(bytes) : bytes, room);
    if (!inflated && inflated.error().code == Code::kResourceExhausted) {
      if (last) return too_large();
      room = std::min(limit, room * kMoreRoomFactor);
      continue;
    }
    if (!inflated) return std::unexpected(inflated.error());
    reservation.Shrink(inflated->size());
    return Body{std::move(*inflated), std::move(reservation)};
  }
}

Result<ExportHandler::Body> ExportHandler::Transcode(Signal signal, Body json) const {
  // Nearly always smaller than the JSON.
  auto room = budget_.TryReserve(json.bytes.size());
  if (!room) return PushBack(json.bytes.size(), budget_);
  auto protobuf = otlp::JsonToProtobuf(signal, json.bytes, options_.limits);
  if (!protobuf) return std::unexpected(protobuf.error());
  if (protobuf->size() > options_.decompressed_bytes_max) {
    return Fail(Code::kResourceExhausted, "the request has {} bytes as protobuf, the limit is {}", protobuf->size(),
                options_.decompressed_bytes_max);
  }
  json = {};
  const uint64_t needed = protobuf->size();
  if (room.bytes() < needed) {
    room.Release();
    room = budget_.TryReserve(needed);
    if (!room) return PushBack(needed, budget_);
  }
  room.Shrink(needed);
  return Body{std::move(*protobuf), std::move(room)};
}

void ExportHandler::Count(Signal signal, Transport transport, const Answer& answer) {
  counters_[static_cast<size_t>(signal)]
      .requests[static_cast<size_t>(transport)][static_cast<size_t>(answer.outcome)]
      ->Add(1);
}

void ExportHandler::CountItems(Signal signal, uint64_t accepted, const std::array<uint32_t, otlp::kRefusals>& refused) {
  SignalCounters& counters = counters_[static_cast<size_t>(signal)];
  counters.items->Add(accepted);
  for (size_t reason = 0; reason < refused.size(); ++reason) counters.refused[reason]->Add(refused[reason]);
}

}  // namespace sightline::receive
