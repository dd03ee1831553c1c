// Documents that come from files: each *.json of a directory, or *.yaml and *.yml where these are read, is one. Data: a
// directory -> documents by name, and what is wrong with the others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sightline::state {

struct DocumentFilesOptions {
  std::string directory;  // "": there are no files
  std::string key;        // of the configuration, for messages: "slos.directory"
  std::string what;       // one of them, for messages: "SLO"
  size_t files_max = 1000;
  size_t bytes_max = 1 << 20;  // of a file
  bool reads_yaml = false;
  std::vector<std::string_view> texts_under;  // as of YamlJson
  bool may_be_missing = false;                // a directory that is not there has no files
  std::string only;                           // the one name that counts; "": all
};

struct BrokenFile {
  std::string file;  // with its extension
  std::string error;
};

namespace internal {

struct FileStamp {
  int64_t changed_unix_nanos = 0;
  uint64_t bytes = 0;
  bool operator==(const FileStamp&) const = default;
};
struct FoundFile {
  std::string path, file, name;  // file: with its extension; name: without
  FileStamp stamp;
};
// By file name. kUnavailable: the directory cannot be listed, or there are too many.
Result<std::vector<FoundFile>> FindDocumentFiles(const DocumentFilesOptions& options);
// As JSON. kInvalidArgument says what is wrong with its name, size or YAML.
Result<std::string> ReadDocumentFile(const DocumentFilesOptions& options, const FoundFile& found);
void LogBrokenFile(const DocumentFilesOptions& options, const FoundFile& found, const std::string& error);

}  // namespace internal

// Thread: any.
template <typename Document>
class DocumentFiles {
 public:
  struct File {
    std::string name;
    int64_t changed_unix_nanos = 0;
    Document document;
  };
  struct Found {
    std::vector<File> files;  // by file name
    std::vector<BrokenFile> broken;
  };

  DocumentFiles(DocumentFilesOptions options, std::function<Result<Document>(std::string_view json)> read)
      : options_(std::move(options)), read_(std::move(read)) {}

  // As the files are now; only those are read that changed since the last time. Logs what is wrong with a file once
  // for each change of it. kUnavailable: the directory cannot be listed.
  Result<Found> List();
  Result<File> Get(const std::string& name);  // kNotFound

 private:
  struct Known {
    internal::FileStamp stamp;
    std::optional<Document> document;
    std::string error;  // without a document
  };
  Known Read(const internal::FoundFile& found) const;

  const DocumentFilesOptions options_;
  const std::function<Result<Document>(std::string_view json)> read_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by file name; guarded by mutex_
};

template <typename Document>
DocumentFiles<Document>::Known DocumentFiles<Document>::Read(const internal::FoundFile& found) const {
  Known known{.stamp = found.stamp, .document = {}, .error = ""};
  const auto text = internal::ReadDocumentFile(options_, found);
  Result<Document> document = text ? read_(*text) : std::unexpected(text.error());
  if (document) {
    known.document = *std::move(document);
  } else {
    known.error = document.error().message;
    internal::LogBrokenFile(options_, found, known.error);
  }
  return known;
}

template <typename Document>
Result<typename DocumentFiles<Document>::Found> DocumentFiles<Document>::List() {
  Found list;
  if (options_.directory.empty()) return list;
  const std::lock_guard lock(mutex_);
  const auto found = internal::FindDocumentFiles(options_);
  if (!found) return std::unexpected(found.error());
  std::map<std::string, Known> now;
  for (const internal::FoundFile& one : *found) {
    const auto before = known_.find(one.file);
    const bool is_known = before != known_.end() && before->second.stamp == one.stamp;
    const Known& known = now.emplace(one.file, is_known ? std::move(before->second) : Read(one)).first->second;
    if (!known.document) {
      list.broken.push_back({one.file, known.error});
    } else if (std::ranges::find(list.files, one.name, &File::name) != list.files.end()) {
      list.broken.push_back({one.file, fmt::format("there is another file of the name {:?}", one.name)});
    } else {
      list.files.push_back({one.name, one.stamp.changed_unix_nanos, *known.document});
    }
  }
  known_ = std::move(now);
  return list;
}

template <typename Document>
Result<typename DocumentFiles<Document>::File> DocumentFiles<Document>::Get(const std::string& name) {
  auto list = List();
  if (!list) return std::unexpected(list.error());
  const auto found = std::ranges::find(list->files, name, &File::name);
  if (found == list->files.end()) return Fail(Code::kNotFound, "there is no {} \"file-{}\"", options_.what, name);
  return std::move(*found);
}

}  // namespace sightline::state
