#include "store/testing/stores.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace sightline::store::testing {
namespace {

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void AppendString(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out += text;
}

}  // namespace

TempDirectory::TempDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "sightline-store-XXXXXX";
  SIGHTLINE_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::string ChildServer::Program() {
  if (const char* named = std::getenv("SIGHTLINE_CLICKHOUSE_BIN"); named != nullptr) return named;
#ifdef SIGHTLINE_SANITIZED
  return "";
#else
  return SIGHTLINE_BIN_DIR "/sightline-clickhouse";
#endif
}

ChildServer::ChildServer(const std::string& directory, std::vector<std::string> more_arguments)
    : error_file_(directory + ".stderr") {
  std::vector<std::string> arguments = {Program(), "--path", directory, "--listen", "127.0.0.1:0"};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  int out[2];
  SIGHTLINE_CHECK(pipe2(out, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (posix_spawn(&pid_, arguments[0].c_str(), &actions, nullptr, pointers.data(), environ) != 0) pid_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  // The line with the address comes when it is ready; the end of the pipe when it gave up.
  std::string line;
  for (char c = 0; read(out[0], &c, 1) == 1 && c != '\n';) line += c;
  close(out[0]);
  constexpr std::string_view kKey = "\"address\":\"";
  if (const size_t at = line.find(kKey); at != std::string::npos) {
    const size_t begin = at + kKey.size();
    address_ = line.substr(begin, line.find('"', begin) - begin);
  }
}

ChildServer::~ChildServer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    Wait();
  }
  std::error_code error;
  std::filesystem::remove(error_file_, error);
}

std::string ChildServer::errors() const {
  std::ifstream file(error_file_);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int ChildServer::Stop() {
  kill(pid_, SIGTERM);
  return Wait();
}

int ChildServer::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<Kind> Kinds() {
#ifdef SIGHTLINE_SANITIZED
  return {Kind::kRemote};
#else
  return {Kind::kEmbedded, Kind::kRemote};
#endif
}

std::string KindName(Kind kind) {
  return kind == Kind::kEmbedded ? "Embedded" : "Remote";
}

TestStore::TestStore(Kind kind, const std::string& directory) {
  auto keep = [this](Result<std::unique_ptr<ClickHouse>> opened) {
    if (opened) {
      clickhouse_ = std::move(*opened);
    } else {
      error_ = opened.error().message;
    }
  };
  if (kind == Kind::kEmbedded) {
    keep(OpenEmbedded({.data_directory = directory}));
    return;
  }
  server_ = std::make_unique<ChildServer>(directory);
  if (server_->address().empty()) {
    error_ = "sightline-clickhouse did not start: " + server_->errors();
    return;
  }
  keep(OpenRemote({.url = "http://" + server_->address() + "/"}));
}

TestStore::~TestStore() {
  clickhouse_.reset();
  if (server_ != nullptr && !server_->address().empty()) server_->Stop();
}

NativeBlock& NativeBlock::UInt64(const std::string& name, const std::vector<uint64_t>& values) {
  ++columns_;
  AppendString(body_, name);
  AppendString(body_, "UInt64");
  for (const uint64_t value : values) body_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return *this;
}

NativeBlock& NativeBlock::String(const std::string& name, const std::vector<std::string>& values) {
  ++columns_;
  AppendString(body_, name);
  AppendString(body_, "String");
  for (const std::string& value : values) AppendString(body_, value);
  return *this;
}

std::string NativeBlock::Bytes() const {
  std::string bytes;
  AppendVarint(bytes, columns_);
  AppendVarint(bytes, rows_);
  return bytes + body_;
}

}  // namespace sightline::store::testing
