// What programs write when a socket's path is too long, as real runs of them gave it, and what only looks
// like it.
#include "diagnose/refusal_message.hpp"

#include <gtest/gtest.h>

namespace sockward::test {
namespace {

const std::string kLong = "/srv/" + std::string(110, 'p') + "/x.sock";  // 122 bytes

TEST(RefusalMessage, IsFoundInWhatRealProgramsWrite) {
  const std::string named[] = {
      // OpenSSH 9.2
      "ControlPath too long ('" + kLong + "' >= 108 bytes)",
      "unix_listener: path \"" + kLong + ".fktgaYrXsYHZrIVZ\" too long for Unix domain socket",
      "unix_listener: path \"" + kLong + "\" too long for Unix domain socket\r",
      "ControlPath \"" + kLong + ".Ry6rGAMQN8evK7xK\" too long for Unix domain socket",
      // Go
      "2026/11/26 03:04:54 listen unix " + kLong + ": bind: invalid argument",
      "dial unix " + kLong + ": connect: invalid argument",
      "failed to load listeners: listen unix " + kLong + ": bind: invalid argument\n",
      "Get \"http://unix/info\": dial unix " + kLong + ": connect: invalid argument",
      "write: dial unixgram @->" + kLong + ": connect: invalid argument",
      // curl 7.88, qemu 7.2, PostgreSQL 15, nginx 1.22, gpg-agent 2.2
      "curl: (6) Unix socket path too long: '" + kLong + "'",
      "qemu-system-x86_64: -chardev socket,id=c: UNIX socket path '" + kLong + "' is too long",
      "psql: error: Unix-domain socket path \"" + kLong + "/.s.PGSQL.5432\" is too long (maximum 107 bytes)",
      "nginx: [emerg] too long path in the unix domain socket \"unix:" + kLong + "\" in /etc/nginx/x.conf:3",
      "gpg-agent[12606]: socket name '" + kLong + "/S.gpg-agent' is too long",
      // systemd 252, tmux 3.3
      "Failed to parse socket address \"" + kLong + "\": File name too long",
      "/etc/x.socket:2: Failed to parse address value in '" + kLong + "', ignoring: File name too long",
      "error creating " + kLong + "/tmux-0/default (File name too long)"};
  for (const std::string& text : named) {
    const auto found = refusal_in(text);
    ASSERT_TRUE(found) << text;
    EXPECT_TRUE(found->path.starts_with(kLong)) << text;
    EXPECT_FALSE(found->truncated) << text;
  }
  for (const char* text :
       {"-e:1:in `initialize': too long unix socket path (125bytes given but 108bytes max) (ArgumentError)",
        "-e:1:in `sockaddr_un': too long unix socket path (125 bytes given but 108 bytes max) "
        "(ArgumentError)",
        "Exception in thread \"main\" java.net.SocketException: Unix domain path too long",
        "called `Result::unwrap()` on an `Err` value: Error { kind: InvalidInput, message: \"path must be "
        "shorter "
        "than SUN_LEN\" }",
        "OSError: AF_UNIX path too long", "Path must be less than 108 bytes",
        "dbus-daemon[12529]: Failed to start message bus: Socket name too long",
        "12628:M 26 Nov 2026 03:04:54.538 # Failed opening Unix socket: unix socket path too long (125), "
        "must be "
        "under 108",
        "2026/11/26 03:04:52 socat[12555] E unix socket address 125 characters long, max length is 108",
        "swtpm: Path for UnioIO socket is too long", "socket path length 125 exceeds the maximum"}) {
    const auto found = refusal_in(text);
    ASSERT_TRUE(found) << text;
    EXPECT_EQ(found->path, "") << text;
  }
  EXPECT_TRUE(refusal_in("LOG:  starting\nOSError: AF_UNIX path too long\nHINT: none\n"));
}

TEST(RefusalMessage, TellsAProgramThatCutThePathAndWentOn) {
  for (const char* text :
       {"Path length (125) is longer than maximum supported length (108) and will be truncated at -e line 1.",
        "Notice: stream_socket_client(): socket path exceeded the maximum allowed length of 107 bytes and "
        "was "
        "truncated in Command line code on line 1",
        "PHP Notice:  stream_socket_server(): socket path exceeded the maximum allowed length of 108 bytes "
        "and was "
        "truncated in /srv/www/run.php on line 7"}) {
    const auto found = refusal_in(text);
    ASSERT_TRUE(found) << text;
    EXPECT_TRUE(found->truncated) << text;
  }
  EXPECT_FALSE(refusal_in("log line exceeded the maximum allowed length and was truncated"));
}

TEST(RefusalMessage, IsNotALineThatMerelyHasItsWords) {
  for (const std::string& text :
       {// EMSGSIZE, and waits
        std::string("sendto: Message too long"),
        std::string("socket /run/systemd/journal/socket: Message too long"),
        std::string("write unix @->/run/systemd/journal/socket: sendmsg: message too long"),
        std::string("unix socket path /run/x.sock: Message too long"),
        std::string("socket address 192.0.2.1:514: packet too long"),
        std::string("connecting to the unix socket took too long"),
        std::string("socket path /run/x.sock: waiting for it took too long"),
        std::string("accept queue too long on socket 7"),
        std::string("socket name service: the answer is too long"), std::string("Error: socket hang up"),
        std::string("socket: connection refused\nline too long\n"),
        std::string("HTTP: request line too long on unix socket"),
        // files
        std::string("cat: /srv/x: File name too long\n"),
        "open " + kLong + "/" + std::string(256, 'c') + ": File name too long",
        "open /" + std::string(4100, 'p') + ": file name too long",
        std::string(90, 'n') + kLong + "': File name too long",  // the start of the line is lost
                                                                 // EINVAL of something else
        std::string("listen unix /run/app.sock: bind: invalid argument"),
        "mount " + kLong + ": invalid argument", std::string("listen tcp :80: bind: invalid argument"),
        "listen unix " + kLong + ": bind: address already in use", std::string("invalid argument: unix"),
        // what is longer than something else
        std::string("path exceeds the quota"),
        std::string("socket path is /run/x.sock, name of user is too long"), std::string("\0\xff\n\n", 4),
        std::string()})
    EXPECT_FALSE(refusal_in(text)) << text;
}

TEST(RefusalMessage, KeepsAPathWithColonsAndBlanksThatIsQuoted) {
  const std::string path = "/home/a user/" + std::string(80, 'c') + "/me@host.example:22.MvQNcnG7oik0cM1V";
  const auto found = refusal_in("unix_listener: path \"" + path + "\" too long for Unix domain socket\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, path);
}

TEST(RefusalMessage, OfGpgAgentNamesAPathThatWouldHaveFit) {
  const std::string path = "/tmp/" + std::string(84, 'g') + "/S.gpg-agent.extra";
  ASSERT_EQ(path.size(), 107U);
  const auto found = refusal_in("gpg-agent[10996]: socket name '" + path + "' is too long\r\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, path);
  EXPECT_TRUE(found->line.ends_with("long"));
}

}  // namespace
}  // namespace sockward::test
