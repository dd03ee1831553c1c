#include "slo/slos.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "slo/rollups.h"

namespace sightline::slo {
namespace {

using state::Row;
using state::Session;

constexpr const char* kSelect = "SELECT id, document, version, created_unix_nanos, updated_unix_nanos FROM slos";

std::unexpected<Error> NoSlo(std::string_view id) {
  return Fail(Code::kNotFound, "there is no SLO {:?}", id);
}

// Of people's own ones, which alone can be changed.
Result<int64_t> OwnId(const std::string& id) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error == std::errc() && end == id.data() + id.size() && number > 0) return number;
  if (id.starts_with(kFilePrefix)) return Fail(Code::kAlreadyExists, "{:?} comes from a file\nchange the file", id);
  return NoSlo(id);
}

// What was kept was checked; a document that no longer passes is one of a newer program.
Result<Slo> ReadSlo(const Row& row) {
  Slo slo{.id = std::to_string(row.Int(0)),
          .version = row.Int(2),
          .created_unix_nanos = row.Int(3),
          .updated_unix_nanos = row.Int(4),
          .document = {}};
  auto document = ReadSloDocument(row.Text(1));
  if (!document) return Fail(Code::kInternal, "SLO {} cannot be read: {}", slo.id, document.error().message);
  slo.document = *std::move(document);
  return slo;
}

// All rows; the first that does not read ends it.
Result<std::vector<Slo>> Read(Session& session, const std::string& sql, const std::vector<state::Value>& values) {
  std::vector<Slo> found;
  Result<void> all;
  SIGHTLINE_TRY(session.Run(sql.c_str(), values, [&](const Row& row) {
    auto slo = ReadSlo(row);
    if (slo) {
      found.push_back(*std::move(slo));
    } else if (all) {
      all = std::unexpected(slo.error());
    }
  }));
  SIGHTLINE_TRY(all);
  return found;
}

Result<Slo> Find(Session& session, int64_t id) {
  auto found = Read(session, fmt::format("{} WHERE id = ?", kSelect), {id});
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return NoSlo(std::to_string(id));
  return std::move(found->front());
}

Result<Slo> FindUnchanged(Session& session, int64_t id, int64_t version) {
  auto slo = Find(session, id);
  if (!slo || slo->version == version) return slo;
  return Fail(Code::kFailedPrecondition, "{:?} was changed meanwhile: it has version {}, not {}\nread it again",
              slo->document.name, slo->version, version);
}

Slo OfFile(state::DocumentFiles<SloDocument>::File file) {
  return {.id = std::string(kFilePrefix) + file.name,
          .of_file = true,
          .updated_unix_nanos = file.changed_unix_nanos,
          .document = std::move(file.document)};
}

}  // namespace

Result<SloList> Slos::List() {
  SloList list;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto own = Read(session, fmt::format("{} ORDER BY id", kSelect), {});
    if (!own) return std::unexpected(own.error());
    list.slos = *std::move(own);
    return {};
  }));
  auto files = files_.List();
  if (!files) return std::unexpected(files.error());
  for (auto& file : files->files) list.slos.push_back(OfFile(std::move(file)));
  std::ranges::sort(list.slos, {}, [](const Slo& slo) { return std::pair(slo.document.name, slo.id); });
  list.broken = std::move(files->broken);
  return list;
}

Result<Slo> Slos::Get(const std::string& id) {
  if (id.starts_with(kFilePrefix)) {
    auto file = files_.Get(id.substr(kFilePrefix.size()));
    if (!file) return std::unexpected(file.error());
    return OfFile(*std::move(file));
  }
  const auto number = OwnId(id);
  if (!number) return std::unexpected(number.error());
  Result<Slo> slo;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    slo = Find(session, *number);
    if (!slo) return std::unexpected(slo.error());
    return {};
  }));
  return slo;
}

Result<void> Slos::CheckComponents(const std::string& id, const SloDocument& document) {
  const auto* composite = std::get_if<CompositeSli>(&document.sli);
  if (composite == nullptr) return {};
  for (size_t i = 0; i < composite->of.size(); ++i) {
    const std::string& of = composite->of[i];
    const auto wrong = [&](std::string_view why) { return Fail(Code::kInvalidArgument, "sli.of[{}]: {}", i, why); };
    if (of == id) return wrong("it is this SLO itself");
    auto slo = Get(of);
    if (!slo && slo.error().code == Code::kNotFound) return wrong(slo.error().message);
    if (!slo) return std::unexpected(slo.error());
    if (std::holds_alternative<CompositeSli>(slo->document.sli)) {
      return wrong(fmt::format("{:?} is composite itself", of));
    }
  }
  return {};
}

Result<Slo> Slos::Create(std::string_view document) {
  auto read = ReadSloDocument(document);
  if (!read) return std::unexpected(read.error());
  SIGHTLINE_TRY(CheckComponents("", *read));
  Slo slo{.id = "", .document = *std::move(read)};
  slo.created_unix_nanos = slo.updated_unix_nanos = clock_.UnixNanos();
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    int64_t count = 0;
    SIGHTLINE_TRY(session.Run("SELECT count(*) FROM slos", {}, [&](const Row& row) { count = row.Int(0); }));
    if (count >= static_cast<int64_t>(kSlosMax)) {
      return Fail(Code::kResourceExhausted, "there are {} SLOs, which is the most\ndelete some", count);
    }
    SIGHTLINE_TRY(
        session.Run("INSERT INTO slos (document, version, created_unix_nanos, updated_unix_nanos) VALUES (?, 1, ?, ?)",
                    {slo.document.json, slo.created_unix_nanos, slo.updated_unix_nanos}));
    slo.id = std::to_string(session.last_id());
    return {};
  }));
  return slo;
}

Result<Slo> Slos::Update(const std::string& id, int64_t version, std::string_view document) {
  const auto number = OwnId(id);
  if (!number) return std::unexpected(number.error());
  auto read = ReadSloDocument(document);
  if (!read) return std::unexpected(read.error());
  SIGHTLINE_TRY(CheckComponents(id, *read));
  if (std::holds_alternative<CompositeSli>(read->sli)) {
    auto list = List();
    if (!list) return std::unexpected(list.error());
    for (const Slo& other : list->slos) {
      const auto* composite = std::get_if<CompositeSli>(&other.document.sli);
      if (composite != nullptr && std::ranges::find(composite->of, id) != composite->of.end()) {
        return Fail(Code::kInvalidArgument, "sli: {:?} is made of this one, which cannot be composite then",
                    other.document.name);
      }
    }
  }
  Slo slo;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto before = FindUnchanged(session, *number, version);
    if (!before) return std::unexpected(before.error());
    slo = *std::move(before);
    slo.document = *std::move(read);
    slo.version = version + 1;
    slo.updated_unix_nanos = clock_.UnixNanos();
    return session.Run("UPDATE slos SET document = ?, version = ?, updated_unix_nanos = ? WHERE id = ?",
                       {slo.document.json, slo.version, slo.updated_unix_nanos, *number});
  }));
  return slo;
}

Result<void> Slos::Delete(const std::string& id, int64_t version) {
  const auto number = OwnId(id);
  if (!number) return std::unexpected(number.error());
  auto list = List();
  if (!list) return std::unexpected(list.error());
  for (const Slo& other : list->slos) {
    const auto* composite = std::get_if<CompositeSli>(&other.document.sli);
    if (composite != nullptr && std::ranges::find(composite->of, id) != composite->of.end()) {
      return Fail(Code::kAlreadyExists, "{:?} is made of this one\ntake it out there first", other.document.name);
    }
  }
  return database_.Transaction([&](Session& session) -> Result<void> {
    auto slo = FindUnchanged(session, *number, version);
    if (!slo) return std::unexpected(slo.error());
    SIGHTLINE_TRY(ForgetSlo(session, id));
    return session.Run("DELETE FROM slos WHERE id = ?", {*number});
  });
}

}  // namespace sightline::slo
