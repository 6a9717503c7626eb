// A program was given a socket path that does not fit, refused it itself, and left: the kernel never saw the
// name (swtpm, qemu, curl, ssh, and most others).
//
// Likely at most: that the name was the reason is concluded from an argument, no call with it, and a status
// that is not 0; or, where it is read (probes.stderr_text), from what the program wrote before it left.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"
#include "diagnose/refusal_message.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

constexpr std::chrono::seconds kYoung{10};
constexpr const char* kAlternative = "the program may have failed for another reason";

void add_budget(const std::string& comm, const std::string& option, const std::string& path, Finding& found) {
  for (std::string& text : budget_texts(comm, option, path)) found.evidence.emplace_back(std::move(text));
}

Finding from_message(const Actor& actor, const ProcessExit& end, const RefusalMessage& said) {
  Finding found{.cause = Cause::path_refused_in_userspace,
                .evidence = {{"it wrote: " + printable(said.line).text},
                             {fmt::format("it ended with status {}", end.exit_code())}},
                .alternative = kAlternative,
                .advice = shorten_advice()};
  found.name = said.path;
  if (!said.path.empty()) add_budget(actor.comm, option_in(said.line), said.path, found);
  return found;
}

}  // namespace

std::optional<Finding> path_refused_in_userspace(const Facts& facts) {
  const auto* end = std::get_if<ProcessExit>(&facts.event.call);
  if (end == nullptr || !end->failed()) return std::nullopt;
  const auto name = facts.before.pending_name(facts.event);
  const auto said = refusal_in(end->message);
  if (said && said->truncated) return std::nullopt;  // it went on: path_truncated
  if (!name) return said ? std::optional(from_message(facts.event.actor, *end, *said)) : std::nullopt;
  const auto lived = std::chrono::nanoseconds(facts.event.time.ns - name->time.ns);
  if (lived > kYoung) return std::nullopt;
  Finding found{.cause = Cause::path_refused_in_userspace,
                .evidence = {{fmt::format("it was started with a socket path of {}{} bytes, {} fit: {}",
                                          name->clipped ? "at least " : "", name->path.size(),
                                          kUsablePathBytes, printable(name->path).text)},
                             {"it made no bind or connect call with it"},
                             {fmt::format("it ended with status {} after {:.1f} ms", end->exit_code(),
                                          std::chrono::duration<double, std::milli>(lived).count())}},
                .alternative = kAlternative,
                .advice = shorten_advice()};
  found.name = name->path;
  // What the program calls too long has what it added in it; the argument may be a directory.
  const std::string& comm = facts.event.actor.comm;
  const bool said_more = said && chosen_name(comm, said->path);
  add_budget(comm, name->option, said_more ? said->path : name->path, found);
  if (said) found.evidence.emplace_back("it wrote: " + printable(said->line).text);
  return found;
}

}  // namespace sockward::rules
