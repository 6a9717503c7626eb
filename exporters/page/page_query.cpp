#include "page/page_query.hpp"

#include <charconv>
#include <ctime>

namespace sockward {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;  // ns

/// A unit of time by its letter; 0: there is none.
std::int64_t seconds_of(char letter) {
  switch (letter) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

/// "15m", "24h", "7d"
std::optional<std::int64_t> parse_back(std::string_view text) {
  constexpr std::int64_t kMost = 100'000;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() - 1) return std::nullopt;
  const std::int64_t unit = seconds_of(text.back());
  if (unit == 0 || number <= 0 || number > kMost) return std::nullopt;
  return number * unit * kSecond;
}

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~:/@").find(c) != std::string_view::npos;
    if (plain)
      result += c;
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // "2026-11-27T03:11:45"
  constexpr std::size_t kNanoDigits = 9;
  if (text.size() <= kSeconds || text.back() != 'Z') return std::nullopt;
  std::tm parts{};
  const std::string whole(text.substr(0, kSeconds));
  const char* end = strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  std::string fraction(text.substr(kSeconds, text.size() - kSeconds - 1));
  if (!fraction.empty()) {
    if (fraction.front() != '.' || fraction.size() < 2 || fraction.size() > kNanoDigits + 1 ||
        fraction.find_first_not_of("0123456789", 1) != std::string::npos)
      return std::nullopt;
    fraction.erase(0, 1);
  }
  fraction.resize(kNanoDigits, '0');
  std::int64_t ns = 0;
  std::from_chars(fraction.data(), fraction.data() + fraction.size(), ns);
  const std::time_t seconds = timegm(&parts);
  constexpr std::int64_t kYear2200 = 7'258'118'400;  // what fits into 64 bits of nanoseconds, and more
  if (seconds < 0 || seconds > kYear2200) return std::nullopt;
  return WallTime{static_cast<std::int64_t>(seconds) * kSecond + ns};
}

PageQuery PageQuery::from(const std::map<std::string, std::string>& parameters) {
  PageQuery asked;
  const auto take = [&parameters](const char* name, std::string& into) {
    if (const auto given = parameters.find(name); given != parameters.end() && !given->second.empty())
      into = given->second.substr(0, kLongestText);
  };
  take("q", asked.search);
  take("cause", asked.cause);
  take("since", asked.since);
  take("until", asked.until);
  return asked;
}

std::string PageQuery::address() const {
  std::string text = "/";
  const auto add = [&text](const char* name, const std::string& value, const std::string& usual) {
    if (value != usual) text += (text.size() == 1 ? "?" : "&") + (name + ("=" + percent_encoded(value)));
  };
  const PageQuery usual;
  add("q", search, usual.search);
  add("cause", cause, usual.cause);
  add("since", since, usual.since);
  add("until", until, usual.until);
  return text;
}

Result<Query> to_query(const PageQuery& asked, WallTime now) {
  Query query{.subject = asked.search, .cause = asked.cause, .limit = Query::kMostGroups};
  if (const auto back = parse_back(asked.since))
    query.since_ns = std::max<std::int64_t>(now.ns - *back, 0);
  else if (const auto time = parse_rfc3339(asked.since))
    query.since_ns = time->ns;
  else
    return make_error(
        std::errc::invalid_argument,
        "since is neither a span such as 15m, 6h or 7d nor a time such as 2026-11-27T03:11:45Z");
  if (asked.until.empty()) return query;
  const auto until = parse_rfc3339(asked.until);
  if (!until) return make_error(std::errc::invalid_argument, "until is no time such as 2026-11-27T03:11:45Z");
  query.until_ns = until->ns;
  return query;
}

}  // namespace sockward
