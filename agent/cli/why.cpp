// sockward why: what failed, after the fact.
#include <unistd.h>

#include <cstdio>

#include "app/stop_signals.hpp"
#include "app/this_host.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "cli/why_text.hpp"
#include "query/query_client.hpp"
#include "store/store_reader.hpp"

namespace sockward {
namespace {

constexpr const char* kUsualStore = "/var/lib/sockward/records.db";
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::hours kLately{24};

WallTime wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
}

/// What failed before that is not asked for; 0: everything that is kept is.
std::int64_t since_ns(const WhyFlags& flags) {
  std::chrono::seconds back{0};
  if (!flags.since.empty())
    back = parse_duration(flags.since, "--since");
  else if (flags.subject.empty())
    back = kLately;
  if (back.count() == 0) return 0;
  return std::max<std::int64_t>(wall_now().ns - std::chrono::nanoseconds(back).count(), 0);
}

std::string read_store(const std::string& path, const Query& query) {
  const StoreReader store(path);
  const auto answer = store.answer(query);
  if (answer) return to_lines(*answer, store.name());
  throw failure(answer.error().text(), "check the file; only who may read it can ask without an agent");
}

StartupError nobody_answers(const WhyFlags& flags, const Error& why) {
  const bool root = geteuid() == 0;
  return failure(
      fmt::format("no agent answers: {}; {}", why.text(),
                  root ? fmt::format("and there is no record store at {}", kUsualStore)
                       : "and only root reads the record store without one"),
      fmt::format(
          "start the agent (systemctl start sockward, or sudo sockward run --query.socket={}), or watch what "
          "fails now: sudo sockward trace",
          flags.socket));
}

/// The lines of the answer: from the file that is named, else from the agent, else, for root, from the usual
/// file. Throws StartupError.
std::string ask(const WhyFlags& flags, const Query& query) {
  if (!flags.store.empty()) return read_store(flags.store, query);
  auto answer = ask_agent(flags.socket, query, kPatience);
  if (answer) return std::move(*answer);
  const bool there = geteuid() == 0 && access(kUsualStore, R_OK) == 0;
  if (!there) throw nobody_answers(flags, answer.error());
  return read_store(kUsualStore, query);
}

/// Splits an answer: the header, which it checks, and the lines behind it.
std::pair<AnswerHeader, std::vector<std::string_view>> parts_of(std::string_view answer) {
  std::vector<std::string_view> lines;
  while (!answer.empty()) {
    const std::string_view line = answer.substr(0, answer.find('\n'));
    answer.remove_prefix(std::min(line.size() + 1, answer.size()));
    lines.push_back(line);
  }
  auto header = lines.empty() ? std::nullopt : parse_answer_header(lines.front());
  if (!header) throw failure("the answer is none", "are agent and sockward of the same version?");
  if (!header->error.empty()) throw failure(header->error, header->next_step);
  lines.erase(lines.begin());
  return {std::move(*header), std::move(lines)};
}

void print_nothing(const WhyFlags& flags) {
  const std::string whose = geteuid() == 0 ? "" : " (of what you may see: records of your own user)";
  const std::string what = flags.subject.empty() ? "" : " of " + printable(flags.subject).text;
  const std::string when = !flags.since.empty()    ? " in the last " + printable(flags.since).text
                           : flags.subject.empty() ? " in the last 24h"
                                                   : "";
  std::printf("no failure%s%s is kept%s\n", what.c_str(), when.c_str(), whose.c_str());
}

/// Prints the groups, newest first; with --follow the newest last, as it goes on from there.
void print_groups(const WhyFlags& flags, std::vector<std::string_view> lines, const TerminalStyle& style) {
  if (flags.follow) std::reverse(lines.begin(), lines.end());
  for (const std::string_view line : lines) {
    const std::string text = flags.json ? std::string(line) : group_to_terminal(line, style, wall_now());
    if (!text.empty()) std::printf("%s\n", text.c_str());
  }
  std::fflush(stdout);
}

/// A shell puts the word into its command line, and bash expands it before: a name that a program chose must
/// not be a command.
bool is_safe_word(std::string_view name) {
  constexpr const char* kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@/+-";
  return name.find_first_not_of(kSafe) == std::string_view::npos && !name.starts_with('-');
}

int print_names(const WhyFlags& flags) {
  try {
    const std::string answer =
        ask(flags, {.subject = {}, .limit = Query::kMostGroups, .names = true, .viewer = {}});
    for (const std::string_view line : parts_of(answer).second)
      if (const std::string name = name_in_answer(line); !name.empty() && is_safe_word(name))
        std::puts(name.c_str());
  } catch (const StartupError&) {  // completion has nobody to tell
  }
  return 0;
}

/// Asks once. Returns whether anything was found.
bool answer_once(const WhyFlags& flags, Query& query, const TerminalStyle& style) {
  const std::string answer = ask(flags, query);
  const auto [header, lines] = parts_of(answer);
  print_groups(flags, lines, style);
  if (header.cut && !flags.json && !flags.follow)
    std::fprintf(stderr, "there is more: name a subject, or a shorter time with --since\n");
  query.after_ns = std::max(query.after_ns, header.newest_ns);
  return !lines.empty();
}

}  // namespace

int why_command(const WhyFlags& flags) {
  if (flags.complete) return print_names(flags);
  if (flags.subject.size() > Query::kLongestSubject)
    throw usage_error("the subject is too long",
                      fmt::format("it has {} bytes at most", Query::kLongestSubject));
  constexpr std::size_t kShownLately = 10;
  Query query{.subject = flags.subject,
              .since_ns = since_ns(flags),
              .limit = flags.subject.empty() && !flags.json ? kShownLately : 50,
              .viewer = {}};
  const TerminalStyle style = host_terminal_style(STDOUT_FILENO);
  if (!flags.follow) {
    const bool found = answer_once(flags, query, style);
    if (!found && !flags.json) print_nothing(flags);
    return found ? 0 : 1;
  }
  constexpr double kBetweenSeconds = 1;
  const StopSignals signals;
  bool found = false;
  do {
    found |= answer_once(flags, query, style);
    if (std::ferror(stdout) != 0) break;  // the reader has gone
  } while (signals.next(kBetweenSeconds) != StopSignals::Came::stop);
  return found ? 0 : 1;
}

}  // namespace sockward
