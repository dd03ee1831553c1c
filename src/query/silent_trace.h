// Which failures of one trace were silent: something failed, and the request in which it did answered as if nothing
// had. Data: a trace's spans in outline -> its silent failures.
//
// A span failed if its status is Error, its HTTP status says so (a client's from 400, a server's from 500), or it
// recorded an exception. Only the deepest failed spans count, as in LikelyCauses: what fails above them follows.
//
// A request is what is below an entry span: one of the kind Server or Consumer, or one without a parent in the trace.
// It answered well unless its status is Error or its HTTP status is 400 or above: then its caller was told. Who is told
// may swallow it as well, so a failure that a Server's request passed on is looked at again in the request around it;
// what a Consumer's request passed on is not, as nobody waits for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sightline::query {

enum class SpanRole : uint8_t { kOther, kClient, kServer, kConsumer };

struct JudgedSpan {
  uint64_t id = 0, parent_id = 0;  // 0: no parent
  uint32_t operation = 0;          // its service, name and kind, numbered
  SpanRole role = SpanRole::kOther;
  bool is_error = false;  // its status
  bool has_exception = false;
  uint16_t http_status = 0;  // 0: none
  int64_t start_unix_nanos = 0;
  double adjusted_count = 1;

  bool failed() const;
  bool answered_well() const { return !is_error && http_status < 400; }
};

struct SilentFailure {
  size_t failed = 0, entry = 0;  // places of spans; the same where an entry span recorded an exception
  bool was_retried = false;      // a later span like it beside it did not fail
};

// The earliest come first. Of spans with one id the first counts.
std::vector<SilentFailure> SilentFailuresOf(const std::vector<JudgedSpan>& spans);

}  // namespace sightline::query
