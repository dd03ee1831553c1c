// People who search: who they are, what they ask, and what they do with the answer. The trainer and the traffic share
// them. Data: seed -> users -> queries -> (answers) -> clicks, votes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "demo/catalog/document.h"
#include "demo/common/random.h"

namespace demo::behaviour {

// Habits: some categories and topics again and again, and a way of asking.
struct User {
  std::string id;                         // "user_0042"
  double activity;                        // how often, relative to others
  std::vector<double> category_interest;  // weights
  std::vector<size_t> favourite_topics;   // asked for again
  double question_share;                  // 0 to 1: asks in sentences
};

std::vector<User> MakeUsers(uint64_t seed, size_t count);

// What a person wants to know, which only the person knows.
struct Need {
  size_t topic;                       // an index into Vocabulary::topics
  std::optional<size_t> aspect;       // an index into catalog::kAspects
  std::optional<size_t> other_topic;  // that it is compared with
};

struct Query {
  std::string text;
  Need need;
};

// `category`: only about this one, whatever the user's habits.
Query MakeQuery(const User& user, Random& random, std::optional<size_t> category = {});

// 0 to 1: how well the document answers the need. The truth that a model is trained and judged by.
double Relevance(const Need& need, const catalog::Document& document);

// How probable it is that a result is looked at, by its place from 0: people read from above and give up.
double Attention(size_t place);

// Looked at and found relevant enough.
bool Clicks(const Need& need, const catalog::Document& document, size_t place, Random& random);

}  // namespace demo::behaviour
