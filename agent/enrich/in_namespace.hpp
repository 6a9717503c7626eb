#pragma once
#include <sched.h>

#include <optional>
#include <thread>

#include "base/result.hpp"

namespace sockward {

/// Runs `body` in another namespace: on a thread of its own, for a namespace is the thread's (setns(2)).
/// `fd`: an open /proc/pid/ns file; `kind`: CLONE_NEWNET, CLONE_NEWUTS. Error: it cannot be entered.
template <class T, class Body>
Result<T> in_namespace(int fd, int kind, Body body) {
  std::optional<Result<T>> answer;
  std::thread visitor(
      [&] { answer = setns(fd, kind) == 0 ? body() : Result<T>(last_error("enter a namespace")); });
  visitor.join();
  return std::move(*answer);
}

}  // namespace sockward
