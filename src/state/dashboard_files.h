// Dashboards from files: each *.json of a directory is a document.
#pragma once

#include <string>
#include <utility>

#include "state/dashboard_document.h"
#include "state/document_files.h"

namespace sightline::state {

// Thread: any.
class DashboardFiles : public DocumentFiles<DashboardDocument> {
 public:
  // "": there are none.
  explicit DashboardFiles(std::string directory)
      : DocumentFiles({.directory = std::move(directory),
                       .key = "dashboards.directory",
                       .what = "dashboard",
                       .bytes_max = kDocumentBytesMax},
                      ReadDashboardDocument) {}
};

}  // namespace sightline::state
