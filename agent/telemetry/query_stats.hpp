#pragma once
#include <atomic>
#include <cstdint>

namespace sockward {

/// How the questions that came over the query socket ended. Lies in memory that the agent and the process
/// that serves share, so it has nothing but lock-free counters. Thread-safe.
struct QueryStats {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> bad_request{0};  ///< not one of the questions there are, or too long
  std::atomic<std::uint64_t> slow{0};         ///< the client sent or read too slowly, or left
  std::atomic<std::uint64_t> busy{0};         ///< too many clients, or too many questions of one user
  std::atomic<std::uint64_t> failed{0};       ///< the agent or the store gave no answer
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

}  // namespace sockward
