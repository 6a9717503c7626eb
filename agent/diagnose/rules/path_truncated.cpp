// A program cut a long socket path to the 108 bytes of sun_path (node up to 22, libuv, perl), or to 107 and a
// NUL (GLib, PHP, redis-cli, ssh-add, C with strncpy or snprintf), and went on with what was left.
//
// Both are legal names. 108 bytes make it likely, for hardly anybody leaves the NUL out on purpose; 107 need
// evidence: a longer name that the program was given, or removed just before. Or it says so itself, where
// that is read (probes.stderr_text).
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"
#include "diagnose/refusal_message.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/socket_argument.hpp"

namespace sockward::rules {
namespace {

std::string advice() {
  return "the program uses the shortened name, so clients that are given the full one do not find it: " +
         shorten_advice();
}

/// From what it wrote before it failed, unless a call with what it had cut was diagnosed already.
std::optional<Finding> from_message(const Facts& facts, const ProcessExit& end) {
  const auto said = refusal_in(end.message);
  if (!end.failed() || !said || !said->truncated) return std::nullopt;
  for (const PendingName& name : facts.before.names_at_exec(facts.event))
    if (name.used) return std::nullopt;
  Finding found{.cause = Cause::path_truncated,
                .evidence = {{"it wrote: " + printable(said->line).text},
                             {fmt::format("it ended with status {}", end.exit_code())}},
                .alternative = "only the program's own message says so",
                .advice = advice()};
  found.name = said->path;
  if (!said->path.empty()) found.evidence.emplace_back(budget_text(said->path));
  return found;
}

/// A longer name that the caller knew, looked for in its arguments and in what it removed before.
std::optional<LongerName> find_longer(const Facts& facts, const std::string& name) {
  NameSources sources{.at_exec = facts.before.names_at_exec(facts.event)};
  if (const auto& arguments = facts.arguments()) sources.arguments = *arguments;
  sources.resolved = resolved_path(facts.event).value_or("");
  sources.unlinked = facts.before.unlinked_longer(facts.event, sources.resolved);
  return longer_name_of(name, sources);
}

void add_longer(const std::string& name, const LongerName& longer, Finding& found) {
  // Nothing makes an argument grow out of the very name by chance, so one that is seen now was there before.
  found.evidence.emplace_back(longer_name_text(longer), longer.source == LongerName::Source::argument_now
                                                            ? Standing::unchanged()
                                                            : Standing::at_call());
  if (!surely_cut(name, longer)) found.alternative = "the longer name may be that of another file";
  found.note(budget_text(longer.name));
}

}  // namespace

std::optional<Finding> path_truncated(const Facts& facts) {
  if (const auto* end = std::get_if<ProcessExit>(&facts.event.call)) return from_message(facts, *end);
  const SocketCall* call = facts.socket();
  if (!facts.is_unix_path() || facts.to_peer()) return std::nullopt;
  const std::string& name = call->address.name;
  const bool full = name.size() == std::size_t{kUnixPathMax} && call->address_length == kUnixAddressMax;
  if (!full && name.size() != kUsablePathBytes) return std::nullopt;
  const auto longer = find_longer(facts, name);
  if (!full && !longer) return std::nullopt;
  const char* copy = call->kernel_copy ? " (the kernel's own copy)" : "";
  Finding found{.cause = Cause::path_truncated,
                .evidence = {{full ? fmt::format("the name fills all {} bytes of sun_path, without a NUL{}",
                                                 kUnixPathMax, copy)
                                   : fmt::format("the name has {} bytes, all that fit before a NUL{}",
                                                 kUsablePathBytes, copy)}}};
  if (longer)
    add_longer(name, *longer, found);
  else if (!facts.arguments())
    found.alternative = "such a path is legal, and the caller's arguments are not visible: " +
                        facts.arguments().error().text();
  else
    found.alternative =
        "such a path is legal, and no argument of the process is a longer form of it: it may come from a "
        "file, or be intended";
  found.advice = advice();
  return found;
}

}  // namespace sockward::rules
