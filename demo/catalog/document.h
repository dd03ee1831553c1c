// The documents that are searched, made by a seeded generator: the same seed gives the same documents.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace demo::catalog {

// What a document tells about its topic.
struct Aspect {
  std::string_view name;
  std::string_view title;                 // {} becomes the topic
  std::array<std::string_view, 4> words;  // also what people put into queries for it
};
inline constexpr std::array<Aspect, 4> kAspects = {{
    {"introduction", "{}: an introduction", {"beginners", "basics", "explained", "introduction"}},
    {"practice", "{} in practice", {"guide", "practice", "steps", "tools"}},
    {"history", "A short history of {}", {"history", "origins", "pioneers", "evolution"}},
    {"mistakes", "Common mistakes in {}", {"mistakes", "problems", "troubleshooting", "avoid"}},
}};

struct Document {
  std::string id;  // "MAC007"
  std::string title;
  std::string text;
  size_t topic;       // an index into Vocabulary::topics
  size_t aspect;      // an index into kAspects
  double quality;     // 0 to 1: how good it really is. The service does not know it.
  double popularity;  // 0 to 1: how often it was read so far, which tells something about its quality
  int64_t age_days;
};

// kDocumentsSeed is the one that the service, the trainer and the traffic agree on.
inline constexpr uint64_t kDocumentsSeed = 2024;
std::vector<Document> GenerateDocuments(uint64_t seed = kDocumentsSeed);

// Of the document's topic.
const std::string& CategoryOf(const Document& document);

}  // namespace demo::catalog
