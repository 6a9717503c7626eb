// A bind succeeded, but its path leaves few bytes: a longer container, user or project name will not fit.
#include <fmt/format.h>
#include <sys/socket.h>

#include "diagnose/path_budget.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/socket_argument.hpp"

namespace sockward::rules {

namespace {

/// 107 bytes are what is left of a longer name that the program was given.
bool was_cut(const Facts& facts) {
  const std::string& name = facts.socket()->address.name;
  if (name.size() != kUsablePathBytes) return false;
  NameSources sources{.at_exec = facts.before.names_at_exec(facts.event), .resolved = {}};
  if (const auto& arguments = facts.arguments()) sources.arguments = *arguments;
  return longer_name_of(name, sources).has_value();
}

}  // namespace

// The kernel side reports a successful bind only when the path has names.near_limit_bytes or more.
std::optional<Finding> path_near_limit(const Facts& facts) {
  constexpr std::size_t kLeast = 100;  // a bind that replaced another file is reported whatever its length
  const SocketCall* call = facts.socket();
  if (call == nullptr || facts.event.failed() || facts.event.syscall != Syscall::bind) return std::nullopt;
  if (call->replaced && call->address.name.size() < kLeast) return std::nullopt;
  if (!facts.is_unix_path() || !call->kernel_copy) return std::nullopt;
  const std::size_t bytes = call->address.name.size();
  if (bytes > kUsablePathBytes || was_cut(facts)) return std::nullopt;  // path_truncated
  return Finding{.cause = Cause::path_near_limit,
                 .evidence = {{fmt::format("the path has {} bytes of {}: {} left", bytes, kUsablePathBytes,
                                           kUsablePathBytes - bytes)}},
                 .alternative = {},
                 .advice = "a name longer by more than that will not fit: " + shorten_advice()};
}

}  // namespace sockward::rules
