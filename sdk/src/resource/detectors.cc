#include "resource/detectors.h"

#include <pwd.h>
#ifdef __linux__
#include <features.h>
#endif
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "otel/version.h"

namespace otel::internal {
namespace {

// Files of /proc have no size to know before they are read.
std::string ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string FirstLine(const char* path) {
  std::string text = ReadFile(path);
  return text.substr(0, text.find('\n'));
}

std::string ExecutablePath() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string UserName() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

// From /proc/self/stat: field 22, in clock ticks since boot. Fields are counted from the last ')', as the name before
// it may hold anything.
std::string ProcessCreationTime() {
  const std::string stat = ReadFile("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22 && fields; ++number) fields >> field;
  if (!fields) return {};
  timespec now{}, since_boot{};
  clock_gettime(CLOCK_REALTIME, &now);
  clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const double boot =
      static_cast<double>(now.tv_sec - since_boot.tv_sec) + static_cast<double>(now.tv_nsec - since_boot.tv_nsec) / 1e9;
  const auto seconds =
      static_cast<time_t>(boot + std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK)));
  tm utc{};
  std::array<char, 32> text;
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
  return {text.data(), size};
}

// The semantic conventions' names of machines, by uname's.
std::string HostArch(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine.starts_with("arm")) return "arm32";
  if (machine == "i386" || machine == "i686") return "x86";
  if (machine == "ppc64" || machine == "ppc64le") return "ppc64";
  return std::string(machine);
}

// A random one, version 4 of RFC 4122.
std::string NewUuid() {
  std::random_device device;
  std::array<uint8_t, 16> bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(device());
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[bytes[i] >> 4]);
    text.push_back(kDigits[bytes[i] & 0xf]);
  }
  return text;
}

// The C library, with which a C++ program runs, and with what this one was compiled.
struct Runtime {
  std::string name, version, description;
};
Runtime RuntimeOfCpp() {
  Runtime runtime;
#ifdef __GLIBC__
  runtime.name = "glibc";
  runtime.version = gnu_get_libc_version();
#endif
#ifdef __clang__
  runtime.description = "C++ compiled by " __VERSION__;  // "Debian Clang 19.1.7"
#else
  runtime.description = "C++ compiled by GCC " __VERSION__;
#endif
  return runtime;
}

// Gathers those that are known.
class Found {
 public:
  void Add(std::string_view key, const AnyValue& value) {
    if (value.type() == AnyValue::Type::kString && value.as_string().empty()) return;
    list_.push_back({key, value});
  }
  Attributes attributes() const { return Attributes(list_); }

 private:
  std::vector<Attribute> list_;
};

}  // namespace

std::string OsReleaseValue(std::string_view file, std::string_view key) {
  while (!file.empty()) {
    const std::string_view line = file.substr(0, file.find('\n'));
    file.remove_prefix(std::min(line.size() + 1, file.size()));
    if (!line.starts_with(key) || line.substr(key.size(), 1) != "=") continue;
    std::string_view value = line.substr(key.size() + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    return std::string(value);
  }
  return {};
}

Attributes DetectSdk() {
  return {
      {"telemetry.sdk.language", "cpp"}, {"telemetry.sdk.name", "sightline-otel"}, {"telemetry.sdk.version", kVersion}};
}

Attributes DetectProcess() {
  const std::string path = ExecutablePath(), name = BaseName(path), owner = UserName(), created = ProcessCreationTime();
  const std::string arguments = ReadFile("/proc/self/cmdline");
  const std::string_view command = std::string_view(arguments).substr(0, arguments.find('\0'));
  const Runtime runtime = RuntimeOfCpp();
  Found found;
  found.Add("process.pid", getpid());
  found.Add("process.parent_pid", getppid());
  found.Add("process.executable.name", name);
  found.Add("process.executable.path", path);
  found.Add("process.command", command);
  found.Add("process.owner", owner);
  found.Add("process.creation.time", created);
  found.Add("process.runtime.name", runtime.name);
  found.Add("process.runtime.version", runtime.version);
  found.Add("process.runtime.description", runtime.description);
  return found.attributes();
}

Attributes DetectHost() {
  utsname names{};
  uname(&names);
  const std::string id = FirstLine("/etc/machine-id"), arch = HostArch(names.machine);
  Found found;
  found.Add("host.name", names.nodename);
  found.Add("host.id", id);
  found.Add("host.arch", arch);
  return found.attributes();
}

Attributes DetectOs() {
  utsname names{};
  uname(&names);
  const std::string release = ReadFile("/etc/os-release");
  const std::string name = OsReleaseValue(release, "NAME"), version = OsReleaseValue(release, "VERSION_ID");
  const std::string description = OsReleaseValue(release, "PRETTY_NAME");
  Found found;
  found.Add("os.type", "linux");
  found.Add("os.name", name);
  found.Add("os.version", version);
  found.Add("os.description", description);
  found.Add("os.build_id", names.release);
  return found.attributes();
}

Attributes DetectService() {
  static const std::string kInstance = NewUuid();
  const std::string executable = BaseName(ExecutablePath());
  const std::string name = executable.empty() ? "unknown_service" : "unknown_service:" + executable;
  return {{"service.name", name}, {"service.instance.id", kInstance}};
}

Attributes DetectEnvironment(const Environment& environment) {
  const TextPairs pairs = environment.Pairs("OTEL_RESOURCE_ATTRIBUTES").value_or(TextPairs());
  const auto service_name = environment.Text("OTEL_SERVICE_NAME");
  Found found;
  for (const auto& [key, value] : pairs) found.Add(key, value);
  if (service_name) found.Add("service.name", *service_name);
  return found.attributes();
}

}  // namespace otel::internal
