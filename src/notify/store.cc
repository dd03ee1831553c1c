#include "notify/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sightline::notify {
namespace {

using state::Row;
using state::Session;

constexpr std::string_view kFilePrefix = "file-";
constexpr std::string_view kNoRouting = R"({"schema":1,"routes":[],"default_channels":[]})";

struct Document {
  int64_t id = 0, version = 0, created = 0, updated = 0;
  std::string json;
};

Result<std::vector<Document>> ReadDocuments(Session& session, const std::string& kind) {
  std::vector<Document> documents;
  SIGHTLINE_TRY(session.Run(
      "SELECT id, version, created_unix_nanos, updated_unix_nanos, document FROM notify_documents WHERE kind = ? "
      "ORDER BY id DESC",
      {kind},
      [&](const Row& row) { documents.push_back({row.Int(0), row.Int(1), row.Int(2), row.Int(3), row.Text(4)}); }));
  return documents;
}

Result<Document> FindDocument(Session& session, const std::string& kind, int64_t id, std::optional<int64_t> version) {
  auto documents = ReadDocuments(session, kind);
  if (!documents) return std::unexpected(documents.error());
  const auto found = std::ranges::find(*documents, id, &Document::id);
  if (found == documents->end()) return Fail(Code::kNotFound, "there is no {} {}", kind, id);
  if (version && found->version != *version) {
    return Fail(Code::kFailedPrecondition, "it was changed meanwhile: it has version {}, not {}\nread it again",
                found->version, *version);
  }
  return *std::move(found);
}

Result<Document> Insert(Session& session, const std::string& kind, const std::string& json, int64_t now, size_t max) {
  auto documents = ReadDocuments(session, kind);
  if (!documents) return std::unexpected(documents.error());
  if (documents->size() >= max) {
    return Fail(Code::kResourceExhausted, "there are {} of kind {}, which is the most\ndelete some", max, kind);
  }
  SIGHTLINE_TRY(
      session.Run("INSERT INTO notify_documents (kind, document, version, created_unix_nanos, updated_unix_nanos) "
                  "VALUES (?, ?, 1, ?, ?)",
                  {kind, json, now, now}));
  return Document{session.last_id(), 1, now, now, json};
}

Result<void> Replace(Session& session, const Document& document) {
  return session.Run("UPDATE notify_documents SET document = ?, version = ?, updated_unix_nanos = ? WHERE id = ?",
                     {document.json, document.version, document.updated, document.id});
}

Result<void> Remove(Session& session, int64_t id) {
  return session.Run("DELETE FROM notify_documents WHERE id = ?", {id});
}

// What was kept was checked; a document that no longer passes is one of a newer program.
std::unexpected<Error> Unreadable(std::string_view kind, int64_t id, const Error& error) {
  return Fail(Code::kInternal, "{} {} cannot be read: {}", kind, id, error.message);
}

Result<KeptChannel> ChannelOf(const Document& document) {
  auto channel = ReadChannel(document.json);
  if (!channel) return Unreadable("channel", document.id, channel.error());
  return KeptChannel{.id = std::to_string(document.id),
                     .version = document.version,
                     .created_unix_nanos = document.created,
                     .updated_unix_nanos = document.updated,
                     .channel = *std::move(channel)};
}

Result<KeptSilence> SilenceOf(const Document& document) {
  auto silence = ReadSilence(document.json);
  if (!silence) return Unreadable("silence", document.id, silence.error());
  return KeptSilence{.id = document.id, .version = document.version, .silence = *std::move(silence)};
}

std::optional<int64_t> NumberOf(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

std::vector<int64_t> SilencedBy(const std::vector<KeptSilence>& silences, const Labels& labels, int64_t unix_nanos) {
  std::vector<int64_t> ids;
  for (const KeptSilence& one : silences) {
    if (IsActive(one.silence, unix_nanos) && AllMatch(one.silence.matchers, labels)) ids.push_back(one.id);
  }
  return ids;
}

Result<std::vector<KeptChannel>> NotifyStore::ReadChannelsIn(Session& session) {
  auto documents = ReadDocuments(session, "channel");
  if (!documents) return std::unexpected(documents.error());
  std::vector<KeptChannel> channels;
  for (const Document& document : *documents) {
    auto channel = ChannelOf(document);
    if (!channel) return std::unexpected(channel.error());
    channels.push_back(*std::move(channel));
  }
  for (auto& [name, channel] : files_.Read().channels) {
    channels.push_back({.id = std::string(kFilePrefix) + name, .is_file = true, .channel = std::move(channel)});
  }
  std::ranges::sort(channels, {}, [](const KeptChannel& one) { return std::pair(one.channel.name, one.id); });
  return channels;
}

Result<KeptRouting> NotifyStore::ReadRoutingIn(Session& session) {
  if (auto routing = files_.Read().routing) {
    return KeptRouting{.is_file = true, .version = 1, .routing = *std::move(routing)};
  }
  auto documents = ReadDocuments(session, "routing");
  if (!documents) return std::unexpected(documents.error());
  auto routing = ReadRouting(documents->empty() ? kNoRouting : documents->front().json);
  if (!routing) return Unreadable("routing", documents->front().id, routing.error());
  return KeptRouting{.version = documents->empty() ? 0 : documents->front().version, .routing = *std::move(routing)};
}

Result<std::vector<KeptSilence>> NotifyStore::ReadSilencesIn(Session& session) {
  auto documents = ReadDocuments(session, "silence");
  if (!documents) return std::unexpected(documents.error());
  std::vector<KeptSilence> silences;
  for (const Document& document : *documents) {
    auto silence = SilenceOf(document);
    if (!silence) return std::unexpected(silence.error());
    silences.push_back(*std::move(silence));
  }
  return silences;
}

Result<void> NotifyStore::ForgetSilencesIn(Session& session, int64_t ended_before_unix_nanos) {
  const auto silences = ReadSilencesIn(session);
  if (!silences) return std::unexpected(silences.error());
  for (const KeptSilence& one : *silences) {
    if (one.silence.ends_unix_nanos < ended_before_unix_nanos) SIGHTLINE_TRY(Remove(session, one.id));
  }
  return {};
}

Result<std::vector<KeptChannel>> NotifyStore::Channels() {
  Result<std::vector<KeptChannel>> channels;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    channels = ReadChannelsIn(session);
    if (!channels) return std::unexpected(channels.error());
    return {};
  }));
  return channels;
}

Result<KeptChannel> NotifyStore::FindChannel(const std::string& id) {
  auto channels = Channels();
  if (!channels) return std::unexpected(channels.error());
  const auto found = std::ranges::find(*channels, id, &KeptChannel::id);
  if (found == channels->end()) return Fail(Code::kNotFound, "there is no channel {:?}", id);
  return *std::move(found);
}

Result<KeptChannel> NotifyStore::FindOwn(Session& session, const std::string& id, std::optional<int64_t> version) {
  if (id.starts_with(kFilePrefix)) {
    return Fail(Code::kAlreadyExists, "{:?} comes from a file\nchange the file", id);
  }
  const auto number = NumberOf(id);
  if (!number) return Fail(Code::kNotFound, "there is no channel {:?}", id);
  auto document = FindDocument(session, "channel", *number, version);
  if (!document) return std::unexpected(document.error());
  return ChannelOf(*document);
}

Result<KeptChannel> NotifyStore::CreateChannel(std::string_view document) {
  auto channel = ReadChannel(document);
  if (!channel) return std::unexpected(channel.error());
  Result<KeptChannel> made;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto row = Insert(session, "channel", WriteChannel(*channel, true), clock_.UnixNanos(), kOwnChannelsMax);
    if (!row) return std::unexpected(row.error());
    made = ChannelOf(*row);
    if (!made) return std::unexpected(made.error());
    return {};
  }));
  return made;
}

Result<KeptChannel> NotifyStore::UpdateChannel(const std::string& id, int64_t version, std::string_view document) {
  Result<KeptChannel> kept;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    kept = FindOwn(session, id, version);
    if (!kept) return std::unexpected(kept.error());
    auto channel = ReadChannel(document, &kept->channel);
    if (!channel) return std::unexpected(channel.error());
    kept->channel = *std::move(channel);
    ++kept->version;
    kept->updated_unix_nanos = clock_.UnixNanos();
    return Replace(session, {.id = *NumberOf(id),
                             .version = kept->version,
                             .updated = kept->updated_unix_nanos,
                             .json = WriteChannel(kept->channel, true)});
  }));
  return kept;
}

Result<void> NotifyStore::DeleteChannel(const std::string& id, int64_t version) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    const auto kept = FindOwn(session, id, version);
    if (!kept) return std::unexpected(kept.error());
    const auto routing = ReadRoutingIn(session);
    if (!routing) return std::unexpected(routing.error());
    const std::vector<std::string> named = ChannelsOf(routing->routing);
    if (std::ranges::find(named, id) != named.end()) {
      return Fail(Code::kFailedPrecondition, "the routing names {:?}\ntake it out there first", kept->channel.name);
    }
    return Remove(session, *NumberOf(id));
  });
}

Result<KeptRouting> NotifyStore::CurrentRouting() {
  Result<KeptRouting> routing;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    routing = ReadRoutingIn(session);
    if (!routing) return std::unexpected(routing.error());
    return {};
  }));
  return routing;
}

Result<KeptRouting> NotifyStore::SetRouting(int64_t version, std::string_view document) {
  auto read = ReadRouting(document);
  if (!read) return std::unexpected(read.error());
  KeptRouting kept;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    const auto before = ReadRoutingIn(session);
    if (!before) return std::unexpected(before.error());
    if (before->is_file) return Fail(Code::kAlreadyExists, "the routing comes from a file\nchange the file");
    if (before->version != version) {
      return Fail(Code::kFailedPrecondition, "it was changed meanwhile: it has version {}, not {}\nread it again",
                  before->version, version);
    }
    const auto channels = ReadChannelsIn(session);
    if (!channels) return std::unexpected(channels.error());
    for (const auto& id : ChannelsOf(*read)) {
      if (std::ranges::find(*channels, id, &KeptChannel::id) != channels->end()) continue;
      return Fail(Code::kInvalidArgument, "channels: there is no channel {:?}", id);
    }
    const int64_t now = clock_.UnixNanos();
    kept = {.version = version + 1, .routing = *read};
    const auto rows = ReadDocuments(session, "routing");
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) {
      const auto row = Insert(session, "routing", read->json, now, 1);
      return row ? Result<void>() : std::unexpected(row.error());
    }
    return Replace(session, {.id = rows->front().id, .version = kept.version, .updated = now, .json = read->json});
  }));
  return kept;
}

Result<std::vector<KeptSilence>> NotifyStore::Silences() {
  Result<std::vector<KeptSilence>> silences;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    silences = ReadSilencesIn(session);
    if (!silences) return std::unexpected(silences.error());
    return {};
  }));
  return silences;
}

Result<KeptSilence> NotifyStore::CreateSilence(std::string_view document) {
  auto silence = ReadSilence(document);
  if (!silence) return std::unexpected(silence.error());
  KeptSilence kept{.version = 1, .silence = *std::move(silence)};
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    const auto row = Insert(session, "silence", kept.silence.json, clock_.UnixNanos(), kSilencesMax);
    if (!row) return std::unexpected(row.error());
    kept.id = row->id;
    return {};
  }));
  return kept;
}

Result<KeptSilence> NotifyStore::UpdateSilence(int64_t id, int64_t version, std::string_view document) {
  auto silence = ReadSilence(document);
  if (!silence) return std::unexpected(silence.error());
  KeptSilence kept{.id = id, .version = version + 1, .silence = *std::move(silence)};
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    const auto before = FindDocument(session, "silence", id, version);
    if (!before) return std::unexpected(before.error());
    return Replace(session,
                   {.id = id, .version = kept.version, .updated = clock_.UnixNanos(), .json = kept.silence.json});
  }));
  return kept;
}

Result<void> NotifyStore::DeleteSilence(int64_t id, int64_t version) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    const auto before = FindDocument(session, "silence", id, version);
    if (!before) return std::unexpected(before.error());
    return Remove(session, id);
  });
}

Result<std::map<std::string, Acknowledgement>> NotifyStore::Acknowledgements() {
  std::map<std::string, Acknowledgement> found;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        "SELECT fingerprint, at_unix_nanos, comment FROM notify_acknowledgements", {},
        [&](const Row& row) { found[row.Text(0)] = {.at_unix_nanos = row.Int(1), .comment = row.Text(2)}; });
  }));
  return found;
}

}  // namespace sightline::notify
