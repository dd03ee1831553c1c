// A file system that is soon full, for a test in a process of its own.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace sightline::journal {

inline bool WriteWhole(const char* path, std::string_view text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return whole;
}

// By right, or else as root of a user namespace, in which any user may mount where the system lets users have such. The
// process stays in it: have one with a single thread that ends afterwards.
inline bool MountSmallDisk(const std::string& path, const char* options) {
  const auto mounted = [&] { return mount("tmpfs", path.c_str(), "tmpfs", 0, options) == 0; };
  if (mounted()) return true;
  const uid_t user = geteuid();
  const gid_t group = getegid();
  return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && WriteWhole("/proc/self/setgroups", "deny") &&
         WriteWhole("/proc/self/uid_map", fmt::format("0 {} 1", user)) &&
         WriteWhole("/proc/self/gid_map", fmt::format("0 {} 1", group)) && mounted();
}

// Runs `body` in a child with a small disk at `path`, which must be an empty directory; its failures are printed and
// become one of this test. False: nobody may mount one here.
inline bool RunOnSmallDisk(const std::string& path, const char* options, const std::function<void()>& body) {
  constexpr int kMayNotMount = 77;
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (!MountSmallDisk(path, options)) _exit(kMayNotMount);
    body();
    umount(path.c_str());
    std::fflush(stdout);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kMayNotMount) return false;
  EXPECT_EQ(status, 0) << "on the small disk, see above";
  return true;
}

}  // namespace sightline::journal
