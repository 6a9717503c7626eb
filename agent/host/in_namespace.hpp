#pragma once
#include <sched.h>

#include <optional>
#include <system_error>
#include <thread>

#include "base/result.hpp"

namespace sockward {

/// Runs `body` in another namespace: on a thread of its own, for a namespace is the thread's (setns(2)).
/// `fd`: an open /proc/pid/ns file; `kind`: CLONE_NEWNET, CLONE_NEWUTS. Error: it cannot be entered,
/// or there are no more threads to be had.
template <class T, class Body>
Result<T> in_namespace(int fd, int kind, Body body) {
  std::optional<Result<T>> answer;
  try {
    std::thread visitor(
        [&] { answer = setns(fd, kind) == 0 ? body() : Result<T>(last_error("enter a namespace")); });
    visitor.join();
  } catch (const std::system_error&) {  // its EAGAIN is another thing to HostView
    return make_error(std::errc::device_or_resource_busy, "start a thread to enter a namespace");
  }
  return std::move(*answer);
}

}  // namespace sockward
