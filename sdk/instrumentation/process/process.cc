#include "otel/instrumentation/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "otel/version.h"

namespace otel::instrumentation {
namespace {

// Files of /proc have no size to know before they are read. Nothing where there is no such file.
std::string ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<int64_t> NumberAt(std::string_view text) {
  int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

// The word at a place, counted from 0.
std::optional<int64_t> NumberOfWord(std::string_view text, int word) {
  for (; word > 0; --word) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    text.remove_prefix(space + 1);
  }
  return NumberAt(text);
}

// A field of /proc/self/stat, numbered as proc(5) does, from 3 on. They are counted from the last ')', as the name
// before it may hold anything.
std::optional<int64_t> StatField(int number) {
  const std::string stat = ReadFile("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat.size()) return std::nullopt;
  return NumberOfWord(std::string_view(stat).substr(name_end + 2), number - 3);
}

// A field of /proc/self/statm, in bytes.
std::optional<int64_t> StatmBytes(int word) {
  const auto pages = NumberOfWord(ReadFile("/proc/self/statm"), word);
  if (!pages) return std::nullopt;
  return *pages * sysconf(_SC_PAGESIZE);
}

// What stands behind "name: " in /proc/self/io.
std::optional<int64_t> IoBytes(std::string_view text, std::string_view name) {
  const size_t place = text.find(name);
  if (place == std::string_view::npos) return std::nullopt;
  return NumberAt(text.substr(place + name.size()));
}

std::optional<int64_t> OpenFileDescriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  int64_t count = -1;                                    // the folder's own is not the program's
  while (const dirent* const entry = readdir(folder)) {  // NOLINT(concurrency-mt-unsafe): of this stream's own
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) ++count;
  }
  closedir(folder);
  return count;
}

std::optional<double> UptimeSeconds() {
  constexpr int kStartTime = 22;  // in clock ticks since boot
  const auto start = StatField(kStartTime);
  timespec now{};
  if (!start || clock_gettime(CLOCK_BOOTTIME, &now) != 0) return std::nullopt;
  const double uptime = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 -
                        static_cast<double>(*start) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return uptime > 0 ? uptime : 0;
}

std::optional<rusage> Usage() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  return usage;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

template <typename T>
void ObserveIfKnown(Observer<T>& observer, std::optional<T> value, AttributesView attributes = {}) {
  if (value) observer.Observe(*value, attributes);
}

void ObserveCpuTime(Observer<double>& observer) {
  const auto usage = Usage();
  if (!usage) return;
  observer.Observe(Seconds(usage->ru_utime), {{"cpu.mode", "user"}});
  observer.Observe(Seconds(usage->ru_stime), {{"cpu.mode", "system"}});
}

void ObserveContextSwitches(Observer<int64_t>& observer) {
  const auto usage = Usage();
  if (!usage) return;
  observer.Observe(usage->ru_nvcsw, {{"process.context_switch.type", "voluntary"}});
  observer.Observe(usage->ru_nivcsw, {{"process.context_switch.type", "involuntary"}});
}

void ObservePagingFaults(Observer<int64_t>& observer) {
  const auto usage = Usage();
  if (!usage) return;
  observer.Observe(usage->ru_minflt, {{"process.paging.fault_type", "minor"}});
  observer.Observe(usage->ru_majflt, {{"process.paging.fault_type", "major"}});
}

void ObserveDiskIo(Observer<int64_t>& observer) {
  const std::string io = ReadFile("/proc/self/io");
  ObserveIfKnown(observer, IoBytes(io, "\nread_bytes: "), {{"disk.io.direction", "read"}});
  ObserveIfKnown(observer, IoBytes(io, "\nwrite_bytes: "), {{"disk.io.direction", "write"}});
}

}  // namespace

ProcessMetrics::ProcessMetrics() : ProcessMetrics(GetMeter("otel.instrumentation.process", kVersion)) {}

ProcessMetrics::ProcessMetrics(const Meter& meter) {
  constexpr int kVirtual = 0, kResident = 1;  // words of /proc/self/statm
  constexpr int kThreads = 20;                // a field of /proc/self/stat
  auto& all = registrations_;
  all.push_back(meter.CreateObservableCounter<double>(
      "process.cpu.time", {.unit = "s", .description = "CPU time that the process has used"}, ObserveCpuTime));
  all.push_back(meter.CreateObservableUpDownCounter<int64_t>(
      "process.memory.usage", {.unit = "By", .description = "Physical memory in use"},
      [](auto& observer) { ObserveIfKnown(observer, StatmBytes(kResident)); }));
  all.push_back(meter.CreateObservableUpDownCounter<int64_t>(
      "process.memory.virtual", {.unit = "By", .description = "Virtual memory"},
      [](auto& observer) { ObserveIfKnown(observer, StatmBytes(kVirtual)); }));
  all.push_back(meter.CreateObservableCounter<int64_t>(
      "process.disk.io", {.unit = "By", .description = "Bytes read from and written to disks"}, ObserveDiskIo));
  all.push_back(meter.CreateObservableUpDownCounter<int64_t>(
      "process.thread.count", {.unit = "{thread}", .description = "Threads"},
      [](auto& observer) { ObserveIfKnown(observer, StatField(kThreads)); }));
  all.push_back(meter.CreateObservableUpDownCounter<int64_t>(
      "process.open_file_descriptor.count", {.unit = "{file_descriptor}", .description = "Open file descriptors"},
      [](auto& observer) { ObserveIfKnown(observer, OpenFileDescriptors()); }));
  all.push_back(meter.CreateObservableCounter<int64_t>("process.context_switches",
                                                       {.unit = "{context_switch}", .description = "Context switches"},
                                                       ObserveContextSwitches));
  all.push_back(meter.CreateObservableCounter<int64_t>(
      "process.paging.faults", {.unit = "{fault}", .description = "Page faults"}, ObservePagingFaults));
  all.push_back(meter.CreateObservableGauge<double>("process.uptime",
                                                    {.unit = "s", .description = "Time since the process was started"},
                                                    [](auto& observer) { ObserveIfKnown(observer, UptimeSeconds()); }));
}

std::shared_ptr<void> ObserveProcess() {
  return std::make_shared<ProcessMetrics>();
}

}  // namespace otel::instrumentation
