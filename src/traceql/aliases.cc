#include "traceql/aliases.h"

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

namespace sightline::traceql {
namespace {

// Only names whose values mean the same. docs/traceql.md shows this table, and a test compares the two.
constexpr std::array kRenamings = {
    Renaming{"http.method", "http.request.method"},
    Renaming{"http.status_code", "http.response.status_code"},
    Renaming{"http.url", "url.full"},
    Renaming{"http.scheme", "url.scheme"},
    Renaming{"http.user_agent", "user_agent.original"},
    Renaming{"http.client_ip", "client.address"},
    Renaming{"http.request_content_length", "http.request.body.size"},
    Renaming{"http.response_content_length", "http.response.body.size"},
    Renaming{"http.resend_count", "http.request.resend_count"},
    Renaming{"net.peer.name", "server.address"},
    Renaming{"net.host.name", "server.address"},
    Renaming{"net.peer.port", "server.port"},
    Renaming{"net.host.port", "server.port"},
    Renaming{"net.sock.peer.addr", "network.peer.address"},
    Renaming{"net.sock.peer.port", "network.peer.port"},
    Renaming{"net.sock.host.addr", "network.local.address"},
    Renaming{"net.sock.host.port", "network.local.port"},
    Renaming{"net.protocol.name", "network.protocol.name"},
    Renaming{"net.protocol.version", "network.protocol.version"},
    Renaming{"db.system", "db.system.name"},
    Renaming{"db.statement", "db.query.text"},
    Renaming{"db.operation", "db.operation.name"},
    Renaming{"db.name", "db.namespace"},
    Renaming{"db.sql.table", "db.collection.name"},
    Renaming{"db.mongodb.collection", "db.collection.name"},
    Renaming{"db.cassandra.table", "db.collection.name"},
    Renaming{"db.cosmosdb.container", "db.collection.name"},
    Renaming{"messaging.destination", "messaging.destination.name"},
    Renaming{"messaging.operation", "messaging.operation.type"},
    Renaming{"messaging.kafka.consumer.group", "messaging.consumer.group.name"},
    Renaming{"messaging.client_id", "messaging.client.id"},
    Renaming{"code.function", "code.function.name"},
    Renaming{"code.filepath", "code.file.path"},
    Renaming{"code.lineno", "code.line.number"},
    Renaming{"enduser.id", "user.id"},
    Renaming{"deployment.environment", "deployment.environment.name"},
    Renaming{"gen_ai.system", "gen_ai.provider.name"},
    Renaming{"gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"},
    Renaming{"gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens"},
    Renaming{"faas.execution", "faas.invocation_id"},
    Renaming{"faas.id", "cloud.resource_id"},
};

using Index = boost::unordered_flat_map<std::string_view, std::vector<std::string_view>>;

const Index& NamesByName() {
  static const Index index = [] {
    Index made;
    for (const Renaming& renaming : kRenamings) {
      made[renaming.old_name].push_back(renaming.new_name);
      made[renaming.new_name].push_back(renaming.old_name);
    }
    return made;
  }();
  return index;
}

}  // namespace

std::span<const Renaming> Renamings() {
  return kRenamings;
}

std::span<const std::string_view> AliasesOf(std::string_view key) {
  const auto found = NamesByName().find(key);
  if (found == NamesByName().end()) return {};
  return found->second;
}

}  // namespace sightline::traceql
