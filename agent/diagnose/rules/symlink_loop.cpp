// A true loop of symbolic links: more than 40 on the way (path_resolution(7)).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

constexpr std::uint64_t kNoSymlinks = 4;  // RESOLVE_NO_SYMLINKS

/// The links from the first one that comes again until it does.
std::string cycle_of(const std::vector<PathStep>& steps) {
  std::vector<std::string> links;
  links.reserve(steps.size());
  for (const PathStep& step : steps) links.push_back(step.path);
  for (std::size_t start = 0; start < links.size(); ++start) {
    const auto again =
        std::find(links.begin() + static_cast<std::ptrdiff_t>(start) + 1, links.end(), links[start]);
    if (again == links.end()) continue;
    std::string text;
    for (auto link = links.begin() + static_cast<std::ptrdiff_t>(start); link <= again; ++link)
      text += (text.empty() ? "" : " -> ") + printable(*link).text;
    return text;
  }
  return "";
}

/// Every link on the way was there before the call, and every directory that led to one.
Standing of_links(const Facts& facts) {
  const PathFacts& way = facts.way();
  Standing all = way.trace.callers_view ? facts.clock() && facts.mounts()
                                        : Standing::later("it was looked up from another root");
  if (!way.leads_to.empty()) all = all && way.leads_to.back();
  for (const PathStep& link : facts.way().trace.links) all = all && unchanged_since_call(facts, link);
  return all;
}

}  // namespace

std::optional<Finding> symlink_loop(const Facts& facts) {
  if (facts.event.error() != ELOOP) return std::nullopt;
  const PathCall* call = facts.path_call();
  if (call != nullptr && (!call->arguments_readable || (call->resolve & kNoSymlinks) != 0))
    return std::nullopt;
  const PathFacts& way = facts.way();
  if (!way.path || !way.known() || !way.trace.loops) return std::nullopt;
  Finding found{
      .cause = Cause::symlink_loop,
      .evidence = {{fmt::format("{} leads through more than 40 symbolic links", printable(*way.path).text),
                    of_links(facts)}}};
  if (const std::string cycle = cycle_of(way.trace.links); !cycle.empty())
    found.evidence.emplace_back("they form a loop: " + cycle, of_links(facts));
  else
    found.alternative = "a chain of links that is not a loop may have been shorter at the time of the call";
  found.advice = "remove or correct one of the links";
  return found;
}

}  // namespace sockward::rules
