#include "store/chdb_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

namespace sightline::store {
namespace {

// The library blocks SIGPIPE in the thread that loads it; this gives the thread its own mask back.
class KeepSignalMask {
 public:
  KeepSignalMask() { pthread_sigmask(SIG_SETMASK, nullptr, &mask_); }
  ~KeepSignalMask() { pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_;
};

template <typename Function>
bool Bind(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

// Empty when every function was found, else the name of one that was not.
std::string BindAll(void* library, ChdbApi& api) {
  const char* missing = nullptr;
  auto bind = [&](const char* name, auto& function) {
    if (!Bind(library, name, function)) missing = name;
  };
  bind("chdb_connect", api.connect);
  bind("chdb_close_conn", api.close);
  bind("chdb_set_signal_handlers_enabled", api.set_signal_handlers_enabled);
  bind("chdb_version", api.version);
  bind("chdb_query_with_params_n", api.query);
  bind("chdb_stream_query_with_params_n", api.stream_query);
  bind("chdb_stream_fetch_result", api.stream_fetch);
  bind("chdb_stream_cancel_query", api.stream_cancel);
  bind("chdb_destroy_query_result", api.destroy_result);
  bind("chdb_result_buffer", api.result_data);
  bind("chdb_result_length", api.result_bytes);
  bind("chdb_result_error", api.result_error);
  bind("chdb_result_storage_rows_read", api.result_storage_rows_read);
  bind("chdb_result_storage_bytes_read", api.result_storage_bytes_read);
  bind("chdb_result_rows_written", api.result_rows_written);
  bind("chdb_stream_insert_with_params_n", api.insert_begin);
  bind("chdb_stream_append", api.insert_append);
  bind("chdb_stream_done", api.insert_done);
  bind("chdb_stream_insert_error", api.insert_error);
  bind("chdb_stream_cancel_insert", api.insert_cancel);
  bind("chdb_destroy_insert_stream", api.insert_destroy);
  bind("chdb_classify_query_n", api.classify);
  return missing == nullptr ? "" : missing;
}

std::vector<std::string> Places(const std::string& library) {
  if (!library.empty()) return {library};
  std::vector<std::string> places;
  if (const char* named = std::getenv("SIGHTLINE_LIBCHDB"); named != nullptr && *named != '\0') {
    places.push_back(named);
  }
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    places.push_back(program.parent_path() / "libchdb.so");
    places.push_back(program.parent_path().parent_path() / "lib" / "libchdb.so");
  }
  places.push_back("libchdb.so");  // without a slash: the dynamic linker's search path
  return places;
}

Result<const ChdbApi*> Load(const std::string& library) {
#ifdef SIGHTLINE_SANITIZED
  return Fail(Code::kUnimplemented, "libchdb does not run in a sanitizer build; use a remote ClickHouse");
#else
  const KeepSignalMask keep_signal_mask;
  std::string tried;
  for (const std::string& place : Places(library)) {
    void* handle = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* reason = dlerror();
      // A file that is there and does not load is worth its reason; a missing one only its name.
      const bool exists = std::filesystem::exists(place);
      tried += fmt::format("\n  {}{}", place, exists ? fmt::format(" ({})", reason ? reason : "?") : " (not there)");
      continue;
    }
    static ChdbApi api;
    const std::string missing = BindAll(handle, api);
    if (!missing.empty()) {
      return Fail(Code::kFailedPrecondition, "{} is too old: it has no {} (26.7 or newer is needed)", place, missing);
    }
    api.set_signal_handlers_enabled(0);
    return &api;
  }
  return Fail(Code::kNotFound,
              "libchdb.so, the embedded ClickHouse, was not found. Tried:{}\nName it with SIGHTLINE_LIBCHDB=/path, or "
              "use a ClickHouse server instead.",
              tried);
#endif
}

}  // namespace

Result<const ChdbApi*> LoadChdb(const std::string& library) {
  static std::mutex mutex;
  static const ChdbApi* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded == nullptr) {
    auto api = Load(library);
    if (!api) return api;
    loaded = *api;
  }
  return loaded;
}

}  // namespace sightline::store
