#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "alertmanager/alert.hpp"

namespace sockward {

struct AlertTimes {
  std::chrono::seconds hold{300};      ///< an alert stays for this long after its last occurrence
  std::chrono::seconds resend{60};     ///< an active alert is sent again this often: Alertmanager forgets
  std::chrono::seconds farewell{300};  ///< a resolved alert is sent again for this long
};

/// The alerts that are active, and those lately resolved. Bounded: when it is full the one that occurred
/// longest ago makes room. Pure but for the times it is given; used under a lock.
class AlertBook {
 public:
  static constexpr std::size_t kMost = 1000;
  explicit AlertBook(AlertTimes times) : times_(times) {}

  /// An occurrence. Returns how many alerts had to make room (0 or 1).
  std::size_t occurred(Alert alert, WallTime now);
  /// Resolves what has not occurred for `hold`, forgets what has been resolved for long.
  void advance(WallTime now);

  /// One receiver's knowledge: what it was sent, and when.
  struct Sent {
    std::uint64_t version = 0;
    WallTime time;
  };
  using Receiver = std::map<std::string, Sent>;  ///< by key
  /// What this receiver should get now: new and changed alerts, and those due again; `limit` at most.
  struct Due {
    std::vector<std::string> keys;
    std::vector<std::uint64_t> versions;
    std::vector<Alert> alerts;
  };
  Due due(const Receiver& receiver, WallTime now, std::size_t limit) const;
  std::size_t active() const;
  bool knows(const std::string& key) const { return entries_.count(key) != 0; }

 private:
  struct Entry {
    Alert alert;
    WallTime last;              ///< occurrence
    std::uint64_t version = 1;  ///< raised when there is something new to tell
    std::uint64_t occurrences = 0;
    bool resolved = false;
  };
  std::size_t make_room();

  AlertTimes times_;
  std::map<std::string, Entry> entries_;  // by the text of all labels
};

}  // namespace sockward
