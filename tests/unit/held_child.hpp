#pragma once
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace sockward::test {

/// A child process that prepares something, waits, and is ended at the end of the scope. `prepare` runs in
/// the child, before the constructor returns; false: it could not.
class HeldChild {
 public:
  explicit HeldChild(const std::function<bool()>& prepare) {
    int ready[2];
    if (pipe(ready) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const char done = prepare() ? 1 : 0;
      if (write(ready[1], &done, 1) == 1)
        for (;;) pause();
      _exit(1);
    }
    close(ready[1]);
    char done = 0;
    prepared_ = read(ready[0], &done, 1) == 1 && done == 1;
    close(ready[0]);
  }
  HeldChild(const HeldChild&) = delete;
  HeldChild& operator=(const HeldChild&) = delete;
  ~HeldChild() { end(); }

  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  bool prepared() const { return prepared_; }
  std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

 private:
  pid_t pid_ = -1;
  bool prepared_ = false;
};

}  // namespace sockward::test
