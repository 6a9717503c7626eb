#include "launch/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/file_descriptor.hpp"
#include "base/printable.hpp"
#include "base/result.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

/// What the child tells if it cannot become the command.
struct Obstacle {
  enum class Step { settings, groups, group, user, still_root, exec };
  Step step = Step::exec;
  int error = 0;
};

/// Rights only ever fall here. The calls themselves, not glibc's, which speak to threads of the parent.
std::optional<Obstacle> become(const Identity& identity) {
  using enum Obstacle::Step;
  if (syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) != 0)
    return Obstacle{groups, errno};
  if (syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) != 0) return Obstacle{group, errno};
  if (syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) != 0) return Obstacle{user, errno};
  const bool changed = getuid() == identity.uid && geteuid() == identity.uid && getgid() == identity.gid &&
                       getegid() == identity.gid;
  // Kept capabilities (securebits) would let it come back.
  if (!changed || (identity.uid != 0 && syscall(SYS_setresuid, -1, 0, -1) == 0))
    return Obstacle{still_root, EPERM};
  return std::nullopt;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// In the child of a process with threads: only async-signal-safe calls.
[[noreturn]] void run_child(char** words, char** variables, const std::optional<Identity>& identity,
                            const Inherited& inherited, int report) {
  std::optional<Obstacle> obstacle;
  if (!inherited.give_back()) obstacle = Obstacle{Obstacle::Step::settings, errno};
  if (!obstacle && identity) obstacle = become(*identity);
  if (!obstacle) {
    environ = variables;
    execvp(words[0], words);
    obstacle = Obstacle{Obstacle::Step::exec, errno};
  }
  [[maybe_unused]] const auto written = write(report, &*obstacle, sizeof(*obstacle));
  _exit(127);
}

const char* what_failed(Obstacle::Step step) {
  switch (step) {
    case Obstacle::Step::settings:
      return "restore the signals and limits it was started with";
    case Obstacle::Step::groups:
      return "set the groups of the invoking user";
    case Obstacle::Step::group:
      return "take the group of the invoking user";
    case Obstacle::Step::user:
      return "become the invoking user";
    case Obstacle::Step::still_root:
      return "give up root: the rights of root stayed";
    case Obstacle::Step::exec:
      return "execute";
  }
  return "start";
}

StartupError not_started(const std::string& command, const Obstacle& obstacle) {
  const std::string name = printable(command).text, why = std::strerror(obstacle.error);
  if (obstacle.step != Obstacle::Step::exec)
    return failure(fmt::format("cannot run {}: {}: {}", name, what_failed(obstacle.step), why),
                   "run it as root with --as-root");
  using Kind = StartupError::Kind;
  if (obstacle.error != ENOENT)
    return {Kind::not_executable, fmt::format("cannot run {}: {}", name, why),
            "check its mode, its directories and its file system (noexec), as the user who runs it"};
  if (command.find('/') == std::string::npos)
    return {Kind::not_found, fmt::format("{}: command not found in PATH", name),
            "give its path; sudo has set PATH to its own (secure_path)"};
  if (access(command.c_str(), F_OK) == 0)
    return {Kind::not_found, fmt::format("cannot run {}: the interpreter that it names does not exist", name),
            "look at its first line (head -1), or at its loader (file)"};
  return {Kind::not_found, fmt::format("{}: no such file", name), "check the path"};
}

/// Who is in the foreground of the terminal; -1: there is no terminal.
pid_t foreground_group() {
  const FileDescriptor terminal(open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY));
  return terminal.valid() ? tcgetpgrp(terminal.get()) : -1;
}

bool is_stopped(pid_t process) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(process), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == process;
}

/// The shell waits for us: it must see that its job is stopped.
void stop_with(pid_t command) {
  constexpr useconds_t kMoment = 50'000;
  // Ctrl-Z stops us, too, and when we are here again both may have been continued.
  usleep(kMoment);
  if (!is_stopped(command) || foreground_group() != getpgrp()) return;
  kill(getpid(), SIGTSTP);
  usleep(kMoment);
  kill(command, SIGCONT);
}

}  // namespace

Inherited::Inherited() {
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
  sigaction(SIGPIPE, nullptr, &pipe_);
  sigaction(SIGCHLD, nullptr, &child_);
  getrlimit(RLIMIT_MEMLOCK, &locked_memory_);
}

bool Inherited::give_back() const {
  return sigaction(SIGPIPE, &pipe_, nullptr) == 0 && sigaction(SIGCHLD, &child_, nullptr) == 0 &&
         setrlimit(RLIMIT_MEMLOCK, &locked_memory_) == 0 && sigprocmask(SIG_SETMASK, &mask_, nullptr) == 0;
}

int Ended::exit_code() const {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string Ended::text() const {
  if (!WIFSIGNALED(status)) return fmt::format("exited with {}", WEXITSTATUS(status));
  const char* name = sigabbrev_np(WTERMSIG(status));
  return fmt::format(
      "was killed by {}{}",
      name == nullptr ? fmt::format("signal {}", WTERMSIG(status)) : fmt::format("SIG{}", name),
      WCOREDUMP(status) ? " (core dumped)" : "");
}

pid_t start_command(const std::vector<std::string>& words, const std::optional<Identity>& identity,
                    const Environment& environment, const Inherited& inherited) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw failure(last_error("make a pipe").text(), "raise the limit on open files");
  const FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  const auto arguments = pointers_to(words), variables = pointers_to(environment);
  const pid_t child = fork();
  if (child < 0) throw failure(last_error("start " + words.front()).text(), "see ulimit -u");
  if (child == 0)
    run_child(const_cast<char**>(arguments.data()), const_cast<char**>(variables.data()), identity, inherited,
              write_end.get());
  write_end.reset();
  Obstacle obstacle;
  ssize_t bytes = 0;
  do bytes = read(read_end.get(), &obstacle, sizeof(obstacle));
  while (bytes < 0 && errno == EINTR);
  if (bytes != sizeof(obstacle)) return child;  // the end of the pipe: it was closed by execve(2)
  waitpid(child, nullptr, 0);
  throw not_started(words.front(), obstacle);
}

CommandSignals::CommandSignals() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD})
    sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
}

Ended CommandSignals::wait(pid_t command) const {
  for (;;) {
    int status = 0;
    const pid_t changed = waitpid(command, &status, WNOHANG | WUNTRACED);
    if (changed == command && !WIFSTOPPED(status)) return {status};
    if (changed == command) stop_with(command);
    if (changed < 0 && errno == ECHILD) return {};  // somebody else has waited for it: nothing more is known
    siginfo_t info{};
    const int signal = sigwaitinfo(&signals_, &info);
    // Of the terminal, and of the kernel: to the whole foreground group. The command's own are for others.
    if (signal > 0 && signal != SIGCHLD && info.si_code <= 0 && info.si_pid != command) kill(command, signal);
  }
}

bool CommandSignals::pause(double seconds) const {
  const timespec timeout{
      .tv_sec = static_cast<time_t>(seconds),
      .tv_nsec = static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  const int signal = sigtimedwait(&signals_, nullptr, &timeout);
  return signal <= 0 || signal == SIGCHLD || signal == SIGUSR1 || signal == SIGUSR2;
}

}  // namespace sockward
