#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "store/query.hpp"

namespace sockward {

/// What the page shows of a group of records. Texts are printable; empty: there is none.
struct FailureCard {
  std::string severity;  ///< "warn"
  std::string headline;  ///< one sentence
  std::string cause, confidence, advice;
  std::string holder;               ///< "nginx[612] uid 0 of nginx.service on the host"
  std::vector<std::string> places;  ///< unit, pod, container: where it happened, as people call it
  std::string search;               ///< finds the group again
  std::vector<std::string> evidence;
  std::uint64_t count = 0;  ///< calls
  std::int64_t first_ns = 0, last_ns = 0;
};

/// From the JSON of the newest record of the group; a damaged one gives a card that says so. Pure.
FailureCard card_of(const RecordGroup& group);
std::string to_html(const FailureCard& card, const std::string& link);

}  // namespace sockward
