// Directories on the way along a path, and a server whose socket file lies or lay there.
#pragma once
#include "support/fixtures.hpp"

namespace sockward::test {

inline constexpr std::int64_t kOld = 1;  // long before the call of an_event(), at 1 s
inline constexpr std::int64_t kSince = 1'100'000'000;

inline PathObject folder(std::int64_t changed = kOld) {
  return {.kind = PathObject::Kind::directory,
          .mode = 0755,
          .changed = {changed},
          .modified = {changed},
          .exact_times = true};
}

class PathTest : public DiagnosisTest {
 protected:
  /// The way ends at a component below /run that is not there.
  void lack(const std::string& component, bool is_file = false) {
    host.trace =
        PathTrace{.searched = {{.path = "/", .object = folder()}, {.path = "/run", .object = folder()}},
                  .missing = component,
                  .missing_is_file = is_file,
                  .callers_view = true};
  }
  OpenSocket& serve(const std::string& path, std::uint32_t links = 1) {
    SocketOwner who = owner(42, "app", 555);
    who.process.mntns = an_actor().mntns;
    OpenSocket& socket = DiagnosisTest::serve(path, who);
    socket.name = file_name(6);
    socket.links = links;
    return socket;
  }
};

}  // namespace sockward::test
