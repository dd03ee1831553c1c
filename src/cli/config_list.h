// Keys of the configuration that hold a list of maps: what all of them check, and how they are shown.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/config.h"

namespace sightline::cli {

// `read_one`: YamlNode -> std::expected<T, YamlFault>. What has a `key` must not have that of another.
template <typename T, typename ReadOne>
std::expected<std::vector<T>, YamlFault> ReadList(const YamlNode& node, size_t count_max, ReadOne read_one) {
  if (node.kind != YamlNode::Kind::kList) {
    return std::unexpected(node.Fault(fmt::format("expected a list, found {}", node.Found())));
  }
  if (node.children.size() > count_max) {
    return std::unexpected(node.Fault(fmt::format("{} are more than {}", node.children.size(), count_max)));
  }
  std::vector<T> list;
  for (const YamlNode& child : node.children) {
    std::expected<T, YamlFault> one = read_one(child);
    if (!one) return std::unexpected(std::move(one).error());
    if constexpr (requires { one->key; }) {
      if (std::ranges::find(list, one->key, &T::key) != list.end()) {
        return std::unexpected(child.Fault(fmt::format("{} is given twice", one->key)));
      }
    }
    list.push_back(*std::move(one));
  }
  return list;
}

// `key` has its path, documentation and type; `field` must outlive it. `show_one`: T -> "name: value, name: value".
template <typename T, typename ReadOne, typename ShowOne>
ConfigKey ListKey(ConfigKey key, std::vector<T>& field, size_t count_max, ReadOne read_one, ShowOne show_one) {
  key.shape = ConfigKey::Shape::kTree;
  key.read = [&field, count_max, read_one](const YamlNode& node) -> std::expected<void, YamlFault> {
    auto list = ReadList<T>(node, count_max, read_one);
    if (!list) return std::unexpected(std::move(list).error());
    field = *std::move(list);
    return {};
  };
  key.show = [&field, show_one] {
    if (field.empty()) return std::string("[]");
    std::string out;
    for (const T& one : field) out += "\n- {" + show_one(one) + "}";
    return out;
  };
  return key;
}

}  // namespace sightline::cli
