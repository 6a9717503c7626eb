// The kernel refused a name because it is too long.
//
// bind, connect and sends answer EINVAL, not ENAMETOOLONG, when addrlen > 110 (net/unix/af_unix.c,
// unix_validate_addr; over 128 already in net/socket.c, move_addr_to_kernel). Path calls answer ENAMETOOLONG
// for a component of more than 255 bytes or a path of more than 4095.
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "diagnose/path_budget.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

constexpr std::size_t kComponentMax = 255;

std::optional<Finding> examine_socket(const Event& event, const SocketCall& call) {
  const bool over = event.error() == EINVAL && call.address_length > kUnixAddressMax;
  if (!call.is_socket || call.family != AF_UNIX || !over || call.of_peer) return std::nullopt;
  // Another family in the address is refused whatever its length: not this cause.
  if (call.address.kind != AddressKind::unreadable && call.address.family != AF_UNIX) return std::nullopt;
  Finding found{.cause = Cause::path_too_long};
  found.evidence.emplace_back(
      fmt::format("addrlen {} exceeds {}, the most that the kernel accepts for AF_UNIX", call.address_length,
                  kUnixAddressMax));
  const std::size_t bytes = call.address.name.size();
  if (call.address.kind == AddressKind::path && bytes <= kUsablePathBytes) {
    found.evidence.emplace_back(
        fmt::format("the path itself has only {} bytes: the length is wrong, not the name", bytes));
    found.advice =
        "pass offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1 as the length, not the size of a "
        "larger structure";
    return found;
  }
  if (call.address.kind == AddressKind::path) {
    found.evidence.emplace_back(fmt::format("the path has {}{} bytes, {} fit",
                                            call.address.truncated ? "at least " : "", bytes,
                                            kUsablePathBytes));
    found.evidence.emplace_back(budget_text(call.address.name));
  } else if (call.address.kind == AddressKind::abstract) {
    found.evidence.emplace_back(
        fmt::format("the abstract name has {} bytes, {} fit", bytes, kUsablePathBytes));
  } else {
    found.evidence.emplace_back("the address itself could not be read");
  }
  found.advice = shorten_advice();
  return found;
}

Finding name_too_long() {
  return {.cause = Cause::path_too_long,
          .evidence =
              {{"ENAMETOOLONG: a component has more than 255 bytes (or the file system's own limit), or the "
                "whole path more than 4095"}},
          .alternative = {},
          .advice = "shorten the name"};
}

Finding examine_path(const PathCall& call) {
  Finding found = name_too_long();
  if (!call.path) return found;
  const PathBudget budget = budget_of(*call.path);
  if (budget.bytes > kComponentMax)
    found.evidence.emplace_back(fmt::format("its longest component has {}{} bytes, {} are allowed",
                                            call.truncated ? "at least " : "", budget.bytes, kComponentMax));
  else
    found.evidence.emplace_back(
        fmt::format("the path has {}{} bytes", call.truncated ? "at least " : "", call.path->size()));
  return found;
}

}  // namespace

std::optional<Finding> path_too_long(const Facts& facts) {
  if (facts.event.error() == ENAMETOOLONG) {
    const PathCall* path = facts.path_call();
    return path != nullptr ? examine_path(*path) : name_too_long();
  }
  return facts.socket() != nullptr ? examine_socket(facts.event, *facts.socket()) : std::nullopt;
}

}  // namespace sockward::rules
