// Linked into every test program: a crash names the test in which it happened, and a skipped test is named
// with its reason. scripts/test and scripts/vm read both lines.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>

namespace sockward::test {
namespace {

struct Signal {
  int number;
  const char* name;
};
constexpr std::array kSignals{Signal{SIGSEGV, "SIGSEGV"}, Signal{SIGABRT, "SIGABRT"},
                              Signal{SIGBUS, "SIGBUS"}, Signal{SIGILL, "SIGILL"}, Signal{SIGFPE, "SIGFPE"}};

std::array<struct sigaction, kSignals.size()> previous;
pid_t runner = 0;
char current[512] = "";  // "Suite.Name", or empty between tests

void say(const char* text) {
  (void)!write(STDERR_FILENO, text, strlen(text));
}

/// Async-signal-safe. Tells the name, then leaves the signal to whoever had it before: the default, or a
/// sanitizer.
void tell(int number, siginfo_t* info, void*) {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i].number != number) continue;
    sigaction(number, &previous[i], nullptr);
    if (getpid() != runner) break;  // a child that a test made: not this program's crash
    say("\n");
    say(program_invocation_short_name);
    say(" crashed (");
    say(kSignals[i].name);
    say(") in ");
    say(current[0] == '\0' ? "no test: before, between or after them" : current);
    say("\n");
  }
  // A fault comes again when the instruction is tried again, with its own address; a signal that was sent
  // does not.
  if (info->si_code <= 0) raise(number);
}

class Names final : public ::testing::EmptyTestEventListener {
  void OnTestProgramStart(const ::testing::UnitTest&) override {
    runner = getpid();
    stack_t stack{};
    if (sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0) {
      static std::array<char, 1 << 16> room;  // for a stack that is full
      stack = {.ss_sp = room.data(), .ss_flags = 0, .ss_size = room.size()};
      sigaltstack(&stack, nullptr);
    }
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action {};
      action.sa_sigaction = tell;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      sigaction(kSignals[i].number, &action, &previous[i]);
    }
  }
  void OnTestStart(const ::testing::TestInfo& test) override {
    snprintf(current, sizeof(current), "%s.%s", test.test_suite_name(), test.name());
  }
  void OnTestEnd(const ::testing::TestInfo& test) override {
    current[0] = '\0';
    if (!test.result()->Skipped()) return;
    std::string reason = "no reason given";
    for (int i = 0; i < test.result()->total_part_count(); ++i)
      if (test.result()->GetTestPartResult(i).skipped())
        reason = test.result()->GetTestPartResult(i).message();
    for (char& c : reason)
      if (c == '\n') c = ' ';
    printf("skipped: %s.%s: %s\n", test.test_suite_name(), test.name(), reason.c_str());
    fflush(stdout);
  }
};

const bool listens = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new Names);  // gtest owns it
  return true;
}();

}  // namespace
}  // namespace sockward::test
