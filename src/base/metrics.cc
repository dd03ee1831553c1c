#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "base/error.h"

namespace sightline {
namespace {

std::string PrometheusName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (digit && out.empty()) out += '_';
    out += digit || letter ? c : '_';
  }
  return out;
}

// Help texts escape backslash and newline, label values the quote too.
std::string Escaped(std::string_view text, bool quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

std::string PrometheusValue(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

void MetricsRegistry::CheckOneKind(const std::string& name, bool monotonic, bool is_read) const {
  const auto it = entries_.lower_bound(Key(name, {}));
  if (it == entries_.end() || it->first.first != name) return;
  SIGHTLINE_CHECK(it->second.monotonic == monotonic);
  SIGHTLINE_CHECK((it->second.counter == nullptr) == is_read);
}

Counter& MetricsRegistry::GetCounter(const std::string& name, const std::string& unit, const std::string& help,
                                     MetricLabels labels) {
  std::sort(labels.begin(), labels.end());
  const std::lock_guard lock(mutex_);
  CheckOneKind(name, /*monotonic=*/true, /*is_read=*/false);
  Entry& entry = entries_[Key(name, std::move(labels))];
  if (entry.counter == nullptr) entry = {unit, help, true, std::make_unique<Counter>(), nullptr};
  return *entry.counter;
}

void MetricsRegistry::SetRead(bool monotonic, const std::string& name, const std::string& unit, const std::string& help,
                              MetricLabels labels, std::function<double()> read) {
  std::sort(labels.begin(), labels.end());
  const std::scoped_lock lock(reading_, mutex_);
  CheckOneKind(name, monotonic, /*is_read=*/true);
  entries_[Key(name, std::move(labels))] = {unit, help, monotonic, nullptr, std::move(read)};
}

void MetricsRegistry::SetGauge(const std::string& name, const std::string& unit, const std::string& help,
                               MetricLabels labels, std::function<double()> read) {
  SetRead(/*monotonic=*/false, name, unit, help, std::move(labels), std::move(read));
}

void MetricsRegistry::SetCounter(const std::string& name, const std::string& unit, const std::string& help,
                                 MetricLabels labels, std::function<double()> read) {
  SetRead(/*monotonic=*/true, name, unit, help, std::move(labels), std::move(read));
}

void MetricsRegistry::Unregister(const std::string& name, MetricLabels labels) {
  std::sort(labels.begin(), labels.end());
  const std::scoped_lock lock(reading_, mutex_);
  const auto it = entries_.find(Key(name, std::move(labels)));
  if (it != entries_.end() && it->second.counter == nullptr) entries_.erase(it);
}

std::vector<MetricsRegistry::Sample> MetricsRegistry::Snapshot() const {
  const std::lock_guard reading(reading_);
  std::vector<Sample> samples;
  std::vector<const std::function<double()>*> reads;  // stay valid while reading_ is held: only its holders erase
  {
    const std::lock_guard lock(mutex_);
    samples.reserve(entries_.size());
    for (const auto& [key, entry] : entries_) {
      const bool whole = entry.counter != nullptr;
      samples.push_back({.name = key.first,
                         .unit = entry.unit,
                         .help = entry.help,
                         .labels = key.second,
                         .monotonic = entry.monotonic,
                         .whole = whole,
                         .value = whole ? static_cast<double>(entry.counter->value()) : 0});
      reads.push_back(whole ? nullptr : &entry.read);
    }
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    if (reads[i] != nullptr) samples[i].value = (*reads[i])();
  }
  return samples;
}

std::string PrometheusText(const std::vector<MetricsRegistry::Sample>& samples) {
  std::string out;
  const std::string* family = nullptr;
  for (const MetricsRegistry::Sample& sample : samples) {
    std::string name = PrometheusName(sample.name);
    if (sample.monotonic && !name.ends_with("_total")) name += "_total";
    if (family == nullptr || *family != sample.name) {
      fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, Escaped(sample.help, false), name,
                     sample.monotonic ? "counter" : "gauge");
      family = &sample.name;
    }
    out += name;
    for (size_t i = 0; i < sample.labels.size(); ++i) {
      fmt::format_to(std::back_inserter(out), "{}{}=\"{}\"", i == 0 ? '{' : ',', PrometheusName(sample.labels[i].first),
                     Escaped(sample.labels[i].second, true));
    }
    if (!sample.labels.empty()) out += '}';
    out += ' ';
    out += PrometheusValue(sample.value);
    out += '\n';
  }
  return out;
}

}  // namespace sightline
