// Fixtures that diagnose events on a host with just the facts that a test gives it: all rules, or one of
// them.
#pragma once
#include <gtest/gtest.h>

#include "diagnose/engine.hpp"
#include "diagnose/rules.hpp"
#include "support/holders.hpp"

namespace sockward::test {

inline const Event kRefused = inet_connect(ECONNREFUSED, tcp4("127.0.0.1", 80));
inline const Event kBusy = path_bind(EADDRINUSE, "/run/x");

/// The answer of an engine that has diagnosed `before`, on a host of which nothing is visible.
inline Diagnosis after(const std::vector<Event>& before, const Event& event) {
  const FakeHost host;
  Engine engine(host, kHostUts);
  for (const Event& earlier : before) engine.diagnose(earlier);
  return engine.diagnose(event);
}

/// Asks the engine: every rule may answer, and the test sees which cause is given.
class DiagnosisTest : public ::testing::Test {
 protected:
  /// By an engine that has diagnosed the events of `before`.
  Diagnosis diagnose(const Event& event) {
    Engine engine(host, kHostUts);
    for (const Event& earlier : before) engine.diagnose(earlier);
    return engine.diagnose(event);
  }
  void open(const BoundName& name, const SocketOwner& who,
            OpenSocket::State state = OpenSocket::State::listening) {
    host.open_sockets.push_back(open_socket(name, who, state));
  }
  /// A socket that listens, whose file was bound under this path.
  OpenSocket& serve(const std::string& path, const SocketOwner& who) {
    open(file_name(5), who);
    host.open_sockets.back().path = path;
    host.open_sockets.back().backlog = 8;
    return host.open_sockets.back();
  }
  FakeHost host;
  std::vector<Event> before;
};

/// Asks one rule.
class RuleTest : public ::testing::Test {
 protected:
  using Examine = std::optional<Finding> (*)(const Facts&);
  /// nullopt: it is not its cause.
  std::optional<Diagnosis> ask(Examine rule, const Event& event) {
    auto found = rule(Facts(event, host, history, kHostUts));
    return found ? std::optional(to_diagnosis(std::move(*found))) : std::nullopt;
  }
  FakeHost host;
  History history;
};

}  // namespace sockward::test
