#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "store/query.hpp"

namespace sockward {

/// What the page is asked for: texts of the form, which stand in its address, so that it can be shared.
struct PageQuery {
  static constexpr std::size_t kLongestText = 512;

  std::string search;         ///< as for `sockward why`: unit, pod, container, command, pid or address
  std::string cause;          ///< empty: every one
  std::string since = "24h";  ///< so long ago, or RFC 3339
  std::string until;          ///< RFC 3339; empty: now

  /// From the parameters of the request (q, cause, since, until). What is too long is cut.
  static PageQuery from(const std::map<std::string, std::string>& parameters);
  /// "/?q=…&since=…": only what is not the default.
  std::string address() const;
};

/// The same as a question to the records. Error: what cannot be understood, in words. Pure.
Result<Query> to_query(const PageQuery& asked, WallTime now);

/// RFC 3339 in UTC, with or without a fraction: "2026-11-27T03:11:45Z". nullopt: it is none. Pure.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace sockward
