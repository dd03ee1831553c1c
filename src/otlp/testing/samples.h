// Recorded requests of official SDKs, with the facts that a right decoder must reproduce: testdata/ (in the repository)
// and a demo's own captures, which lie outside it and may be absent.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/signal.h"
#include "otlp/wire_schema.h"

namespace sightline::otlp::testing {

struct Sample {
  std::string file;  // "go-gzip-logs-001.pb.gz"
  Signal signal = Signal::kTraces;
  bool json = false;
  uint32_t count = 0;         // spans, log records or data points
  std::string bytes;          // inflated
  boost::json::object facts;  // see testdata/README.md
};

// Aborts when a file of the manifest cannot be read: the repository is broken then.
std::vector<Sample> LoadSamples(const std::string& directory, const std::function<bool(std::string_view file)>& wanted);

// The SDK samples in the repository.
const std::vector<Sample>& SdkSamples();

// The demo's captures ("python-demo..."); empty when they are not on this machine.
const std::vector<Sample>& DemoSamples();

const Sample& SdkSample(std::string_view file);

// All files of a directory below the source root, sorted by name; none if there is no such directory.
std::vector<std::pair<std::string, std::string>> ReadFiles(const std::string& directory);

std::string ReadFile(const std::string& path);
std::string TestDataDirectory();

// Calls `visit` for every message of the kind `wanted` inside `bytes`, which is a message of the kind `root`.
void Visit(Message root, std::string_view bytes, Message wanted, const std::function<void(std::string_view)>& visit);

// The names of the fields that are set, nested as the messages are, without their values and without those that hold
// zero or nothing (which one encoding writes and the other leaves out).
std::string Outline(Message root, std::string_view bytes);

}  // namespace sightline::otlp::testing
