// Which failures get no record.
#include <gtest/gtest.h>

#include "config/settings.hpp"
#include "pipeline/ignored_paths.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

bool ignored(const std::vector<std::string>& paths, const Event& event) {
  return IgnoredPaths(paths).cover(event);
}

Event refused(int error, const std::string& path) {
  return unix_call(Syscall::connect, error, path, static_cast<int>(path.size()) + 3);
}

TEST(IgnoredPathsOf, AreExactOrBelowADirectory) {
  EXPECT_TRUE(ignored({"/run/nscd/socket"}, refused(ENOENT, "/run/nscd/socket")));
  EXPECT_FALSE(ignored({"/run/nscd/socket"}, refused(ENOENT, "/run/nscd/socket2")));
  EXPECT_FALSE(ignored({}, refused(ENOENT, "/run/nscd/socket")));
  EXPECT_TRUE(ignored({"/run/userdb/*"}, refused(ENOENT, "/run/userdb/a")));
  EXPECT_TRUE(ignored({"/run/userdb/*"}, refused(ENOENT, "/run/userdb/a/b")));
  EXPECT_FALSE(ignored({"/run/userdb/*"}, refused(ENOENT, "/run/userdb/")));
  EXPECT_FALSE(ignored({"/run/userdb/*"}, refused(ENOENT, "/run/userdb2/a")));
}

TEST(IgnoredPathsOf, AreThoseThatNobodyAnswers) {
  for (const int error : {ENOENT, ENOTDIR, ECONNREFUSED, EAGAIN})
    EXPECT_TRUE(ignored({"/x"}, refused(error, "/x"))) << error;
  for (const int error : {0, EACCES, EPROTOTYPE, EINVAL})
    EXPECT_FALSE(ignored({"/x"}, refused(error, "/x"))) << error;
}

TEST(IgnoredPathsOf, AreNeverThoseOfAServer) {
  EXPECT_FALSE(ignored({"/x"}, unix_call(Syscall::bind, ENOENT, "/x", 5)));
  EXPECT_FALSE(ignored({"/x"}, path_call(Syscall::unlink, ENOENT, "/x")));
}

TEST(IgnoredPathsOf, IncludeRelativeNames) {
  Event event = refused(ENOENT, "x");
  std::get<SocketCall>(event.call).directory = {.state = Directory::State::unknown, .path = {}};
  EXPECT_FALSE(ignored({"/run/*"}, event));
  std::get<SocketCall>(event.call).directory = {.state = Directory::State::known, .path = "/run"};
  EXPECT_TRUE(ignored({"/run/*"}, event));
}

TEST(IgnoredPathsOf, IncludeAbstractNames) {
  using namespace std::string_literals;
  const auto to = [](const std::string& name) {
    Event event = refused(ECONNREFUSED, name);
    std::get<SocketCall>(event.call).address.kind = AddressKind::abstract;
    return event;
  };
  EXPECT_TRUE(ignored({"@bus"}, to("bus")));
  EXPECT_TRUE(ignored({"@bus"}, to("bus\0\0"s))) << "as long as the structure";
  EXPECT_FALSE(ignored({"@bus"}, to("bus2")));
  EXPECT_FALSE(ignored({"@bus"}, to("bus\0x"s)));
  EXPECT_FALSE(ignored({"bus", "/bus"}, to("bus")));
  EXPECT_FALSE(ignored({"@/run/x"}, refused(ECONNREFUSED, "/run/x")));
  EXPECT_TRUE(ignored({"@/var/lib/lxc/*"}, to("/var/lib/lxc/web/command")));
}

TEST(IgnoredPathsOf, AreThoseOfNameServicesByDefault) {
  const IgnoredPaths standard(Settings{}.records.ignore_paths);
  for (const char* path :
       {"/var/run/nscd/socket", "/run/nscd/socket", "/run/systemd/userdb/io.systemd.Multiplexer",
        "/var/lib/sss/pipes/nss", "/run/systemd/resolve/io.systemd.Resolve"})
    EXPECT_TRUE(standard.cover(refused(ENOENT, path))) << path;
  EXPECT_FALSE(standard.cover(refused(ENOENT, "/run/dbus/system_bus_socket")));
}

}  // namespace
}  // namespace sockward::test
