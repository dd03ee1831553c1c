// What documents, queries and the stand-in's articles are about, from vocabulary.txt.
#pragma once

#include <string>
#include <vector>

namespace demo::catalog {

struct Topic {
  std::string name;                // "Neural networks"
  std::vector<std::string> words;  // its own: "layers", "neurons", ...
  size_t category;                 // an index into Vocabulary::categories
};

struct Category {
  std::string name;                // "Machine learning"
  std::vector<std::string> words;  // of all its topics
};

struct Vocabulary {
  std::vector<Category> categories;
  std::vector<Topic> topics;  // those of a category stand together
};

// The one in the program. Never destroyed.
const Vocabulary& TheVocabulary();

}  // namespace demo::catalog
