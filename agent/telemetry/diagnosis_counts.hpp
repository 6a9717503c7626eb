#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "event/event.hpp"

namespace sockward {

/// Counts diagnoses by cause, call and container. Bounded: past the cap a new container counts as "~other".
/// Thread-safe.
class DiagnosisCounts {
 public:
  struct Key {
    std::string cause;
    Syscall syscall = Syscall::bind;
    std::string container;
    auto operator<=>(const Key&) const = default;
  };

  explicit DiagnosisCounts(std::size_t container_cap) : cap_(container_cap) {}

  /// false: the cap was reached, and the container was aggregated into "~other".
  bool add(Key key);
  std::vector<std::pair<Key, std::uint64_t>> read() const;
  /// Forgets a container: its series disappear.
  void forget(const std::string& container);

 private:
  const std::size_t cap_;
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t> containers_;  // label -> keys
  std::map<Key, std::uint64_t> counts_;
};

}  // namespace sockward
