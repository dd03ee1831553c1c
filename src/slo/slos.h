// SLOs that people make, and those of a directory's files. Data: documents -> state.sqlite, files -> documents by id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "slo/slo_document.h"
#include "state/database.h"
#include "state/document_files.h"

namespace sightline::slo {

inline constexpr size_t kSlosMax = 500;
inline constexpr std::string_view kFilePrefix = "file-";

struct Slo {
  std::string id;  // a number, or "file-NAME"
  bool of_file = false;
  int64_t version = 1;                                     // one more with each change
  int64_t created_unix_nanos = 0, updated_unix_nanos = 0;  // 0: unknown
  SloDocument document;
};

struct SloList {
  std::vector<Slo> slos;  // by name
  std::vector<state::BrokenFile> broken;
};

// Thread: any.
class Slos {
 public:
  // What is borrowed must outlive it. `directory`: of files; "": there are none.
  Slos(state::Database& database, std::string directory, const Clock& clock = Clock::System())
      : database_(database),
        files_({.directory = std::move(directory),
                .key = "slos.directory",
                .what = "SLO",
                .files_max = kSlosMax,
                .bytes_max = kSloDocumentBytesMax,
                .reads_yaml = true,
                .texts_under = {"labels"}},
               ReadSloDocument),
        clock_(clock) {}

  Result<SloList> List();
  Result<Slo> Get(const std::string& id);  // kNotFound

  // kInvalidArgument: the document is wrong ("sli.service: …"), or names SLOs that are not there; kResourceExhausted:
  // there are kSlosMax.
  Result<Slo> Create(std::string_view document);
  // As Create, and: kNotFound; kAlreadyExists: it comes from a file; kFailedPrecondition: somebody else has changed it
  // since `version`.
  Result<Slo> Update(const std::string& id, int64_t version, std::string_view document);
  // With all that was counted. kAlreadyExists also: others are made of it.
  Result<void> Delete(const std::string& id, int64_t version);

  // Of a composite: whether those that it is made of can be. For documents that are not saved too, with id "".
  Result<void> CheckComponents(const std::string& id, const SloDocument& document);

 private:
  state::Database& database_;
  state::DocumentFiles<SloDocument> files_;
  const Clock& clock_;
};

}  // namespace sightline::slo
