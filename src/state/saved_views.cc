#include "state/saved_views.h"

#include <algorithm>

#include "traceql/parse.h"

namespace sightline::state {
namespace {

constexpr const char* kColumns = "id, signal, name, query, page, version, created_unix_nanos, updated_unix_nanos";

SavedView ReadView(const Row& row) {
  SavedView view;
  view.id = row.Int(0);
  view.signal = row.Text(1);
  view.name = row.Text(2);
  view.query = row.Text(3);
  view.page = row.Text(4);
  view.version = row.Int(5);
  view.created_unix_nanos = row.Int(6);
  view.updated_unix_nanos = row.Int(7);
  return view;
}

Result<void> CheckQuery(const ViewContent& content) {
  if (content.query.empty()) return {};
  std::string problem;
  if (content.signal == "logs") {
    if (auto parsed = traceql::ParseLogCondition(content.query); !parsed) problem = parsed.error().message;
  } else if (auto parsed = traceql::ParseQuery(content.query); !parsed) {
    problem = parsed.error().message;
  }
  if (problem.empty()) return {};
  return Fail(Code::kInvalidArgument, "query: {}", problem);
}

Result<void> Check(const ViewContent& content) {
  if (content.signal != "traces" && content.signal != "logs") {
    return Fail(Code::kInvalidArgument, "signal: {:?} is neither traces nor logs", content.signal);
  }
  const std::string& name = content.name;
  if (name.empty()) return Fail(Code::kInvalidArgument, "name: a view needs one");
  if (name.size() > kViewNameBytesMax) {
    return Fail(Code::kInvalidArgument, "name: {} bytes are more than {}", name.size(), kViewNameBytesMax);
  }
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return Fail(Code::kInvalidArgument, "name: control characters and line ends cannot be part of it");
  }
  if (name.front() == ' ' || name.back() == ' ') {
    return Fail(Code::kInvalidArgument, "name: it begins or ends with a space");
  }
  if (content.query.size() > kViewQueryBytesMax) {
    return Fail(Code::kInvalidArgument, "query: {} bytes are more than {}", content.query.size(), kViewQueryBytesMax);
  }
  if (content.page.size() > kViewPageBytesMax) {
    return Fail(Code::kInvalidArgument, "page: {} bytes are more than {}", content.page.size(), kViewPageBytesMax);
  }
  return CheckQuery(content);
}

Result<SavedView> Find(Session& session, int64_t id) {
  std::vector<SavedView> found;
  SIGHTLINE_TRY(session.Run(fmt::format("SELECT {} FROM saved_views WHERE id = ?", kColumns).c_str(), {id},
                            [&](const Row& row) { found.push_back(ReadView(row)); }));
  if (found.empty()) return Fail(Code::kNotFound, "there is no view {}", id);
  return std::move(found.front());
}

// `view` as it is, if it still has the version that the client has seen.
Result<SavedView> FindUnchanged(Session& session, int64_t id, int64_t version) {
  auto view = Find(session, id);
  if (!view || view->version == version) return view;
  return Fail(Code::kFailedPrecondition, "{:?} was changed meanwhile: it has version {}, not {}\nread it again",
              view->name, view->version, version);
}

Error NameTaken(const Error& error, const std::string& name) {
  if (error.code != Code::kAlreadyExists) return error;
  return {Code::kAlreadyExists, fmt::format("there is a view {:?} already", name)};
}

}  // namespace

Result<std::vector<SavedView>> SavedViews::List(const std::string& signal) {
  std::vector<SavedView> views;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        fmt::format("SELECT {} FROM saved_views WHERE ?1 = '' OR signal = ?1 ORDER BY name COLLATE NOCASE, id",
                    kColumns)
            .c_str(),
        {signal}, [&](const Row& row) { views.push_back(ReadView(row)); });
  }));
  return views;
}

Result<SavedView> SavedViews::Get(int64_t id) {
  Result<SavedView> view;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    view = Find(session, id);
    if (!view) return std::unexpected(view.error());
    return {};
  }));
  return view;
}

Result<SavedView> SavedViews::Create(const ViewContent& content) {
  SIGHTLINE_TRY(Check(content));
  SavedView view;
  static_cast<ViewContent&>(view) = content;
  view.version = 1;
  view.created_unix_nanos = view.updated_unix_nanos = clock_.UnixNanos();
  auto done = database_.Transaction([&](Session& session) -> Result<void> {
    int64_t count = 0;
    SIGHTLINE_TRY(session.Run("SELECT count(*) FROM saved_views", {}, [&](const Row& row) { count = row.Int(0); }));
    if (count >= static_cast<int64_t>(kViewsMax)) {
      return Fail(Code::kResourceExhausted, "there are {} saved views, which is the most\ndelete some", count);
    }
    SIGHTLINE_TRY(session.Run(
        "INSERT INTO saved_views (signal, name, query, page, version, created_unix_nanos, updated_unix_nanos) "
        "VALUES (?, ?, ?, ?, 1, ?, ?)",
        {view.signal, view.name, view.query, view.page, view.created_unix_nanos, view.updated_unix_nanos}));
    view.id = session.last_id();
    return {};
  });
  if (!done) return std::unexpected(NameTaken(done.error(), content.name));
  return view;
}

Result<SavedView> SavedViews::Update(int64_t id, int64_t version, const ViewContent& content) {
  SavedView view;
  auto done = database_.Transaction([&](Session& session) -> Result<void> {
    auto before = FindUnchanged(session, id, version);
    if (!before) return std::unexpected(before.error());
    view = *std::move(before);
    if (content.signal != view.signal) {
      return Fail(Code::kInvalidArgument, "signal: a view of {} stays one", view.signal);
    }
    SIGHTLINE_TRY(Check(content));
    static_cast<ViewContent&>(view) = content;
    view.version = version + 1;
    view.updated_unix_nanos = clock_.UnixNanos();
    return session.Run(
        "UPDATE saved_views SET name = ?, query = ?, page = ?, version = ?, updated_unix_nanos = ? WHERE id = ?",
        {view.name, view.query, view.page, view.version, view.updated_unix_nanos, id});
  });
  if (!done) return std::unexpected(NameTaken(done.error(), content.name));
  return view;
}

Result<void> SavedViews::Delete(int64_t id, int64_t version) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    auto view = FindUnchanged(session, id, version);
    if (!view) return std::unexpected(view.error());
    return session.Run("DELETE FROM saved_views WHERE id = ?", {id});
  });
}

}  // namespace sightline::state
