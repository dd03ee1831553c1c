#include "base/process.h"

#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace sightline {
namespace {

sigset_t EndSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGHUP);
  return set;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

MemoryUse ReadMemoryUse() {
  std::ifstream status("/proc/self/status");
  MemoryUse use;
  for (std::string line; std::getline(status, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "VmRSS: %llu kB", &kib) == 1) use.rss_bytes = kib * 1024;
    if (std::sscanf(line.c_str(), "RssAnon: %llu kB", &kib) == 1) use.anonymous_bytes = kib * 1024;
  }
  return use;
}

void LimitMallocHeaps() {
  constexpr int kHeapsMax = 4;
  mallopt(M_ARENA_MAX, kHeapsMax);
}

void ReleaseFreeMemory() {
  malloc_trim(0);
}

uint64_t ReleaseCode(uint64_t segment_bytes_min) {
  struct Search {
    uint64_t segment_bytes_min, released;
  } search{segment_bytes_min, 0};
  auto release = [](dl_phdr_info* object, size_t, void* data) {
    auto& wanted = *static_cast<Search*>(data);
    const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const auto& segment = object->dlpi_phdr[i];
      // Only what is never written, so that the file has it. What the linker relocates and then protects is writable
      // here.
      const bool as_in_file = segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0;
      if (!as_in_file || segment.p_memsz < wanted.segment_bytes_min) continue;
      const uint64_t begin = (object->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
      const uint64_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_filesz) / page * page;
      if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED) == 0) wanted.released += end - begin;
    }
    return 0;
  };
  ::dl_iterate_phdr(release, &search);
  return search.released;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

Result<uint64_t> FreeDiskBytes(const std::string& path) {
  struct statvfs disk{};
  if (::statvfs(path.c_str(), &disk) != 0) {
    return Fail(Code::kUnavailable, "free disk space of {}: {}", path, std::strerror(errno));
  }
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

Result<uint64_t> RaiseFdLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Fail(Code::kInternal, "limit of open files: {}", std::strerror(errno));
  }
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (before != limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Fail(Code::kInternal, "raise the limit of open files from {} to {}: {}", before, limit.rlim_max,
                std::strerror(errno));
  }
  return uint64_t{limit.rlim_cur};
}

ShutdownSignal::ShutdownSignal() {
  const sigset_t set = EndSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  requests_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  SIGHTLINE_CHECK(signals_ >= 0 && requests_ >= 0);
}

ShutdownSignal::~ShutdownSignal() {
  // What came too late to be waited for must not kill the process once the signals are let through again.
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
  }
  const sigset_t set = EndSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::close(signals_);
  ::close(requests_);
}

bool ShutdownSignal::Wait(int timeout_millis, const std::function<void()>& on_hangup) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(timeout_millis);
  while (!requested_) {
    pollfd fds[] = {{signals_, POLLIN, 0}, {requests_, POLLIN, 0}};
    int left = -1;
    if (timeout_millis >= 0) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
      left = rest < 0 ? 0 : static_cast<int>(rest);
    }
    const int ready = ::poll(fds, 2, left);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo == SIGHUP) {
        if (on_hangup) on_hangup();
        continue;
      }
      reason_ = info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT";
    }
    requested_ = true;
  }
  return requested_;
}

void ShutdownSignal::Request() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(requests_, &one, sizeof(one));  // fails only when already set
}

void ShutdownSignal::LetNextSignalKill() {
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  const sigset_t set = EndSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace sightline
