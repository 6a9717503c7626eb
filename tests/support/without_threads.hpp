// A process that can have no more threads, as on a node that has used all of them.
#pragma once
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sockward::test {

/// In a child whose user may have no more threads. Its exit status, of `body`.
inline int without_threads(int (*body)()) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    const bool limited =
        setrlimit(RLIMIT_NPROC, &none) == 0 && (geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    _exit(limited ? body() : 9);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace sockward::test
