// The endpoints that give what a query finds as a file.
#pragma once

#include "query/logs.h"
#include "query/span_list.h"
#include "query/traces.h"
#include "query/whole_spans.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Of one file.
inline constexpr uint32_t kExportItemsDefault = 100'000, kExportItemsMax = 1'000'000;  // spans or log records
inline constexpr uint32_t kExportTracesDefault = 10'000, kExportTracesMax = 100'000;

// Thread: any.
class ExportApi {
 public:
  // They must outlive it.
  struct Readers {
    query::SpanListReader& span_list;
    query::TraceReader& traces;
    query::LogReader& logs;
    query::WholeSpanReader& whole_spans;
  };
  explicit ExportApi(Readers readers) : readers_(readers) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Spans(ApiCall& call);
  Result<void> Traces(ApiCall& call);
  Result<void> Logs(ApiCall& call);

  const Readers readers_;
};

}  // namespace sightline::serve
