// published_port: what the command line of a program that has a port in a container's place says.
#include "diagnose/port_publisher.hpp"

#include <gtest/gtest.h>

namespace sockward::test {
namespace {

using Words = std::vector<std::string>;

TEST(PublishedPort, OfConmonTheContainerIsNamed) {
  const auto found =
      published_port("conmon", {"/usr/bin/conmon", "-c", "0123", "-n", "web", "--exit-dir", "/run"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text, "conmon holds it for the container web (its command line)");
  EXPECT_NE(found->advice.find("`podman port web`"), std::string::npos);
}

TEST(PublishedPort, FlagsMayBeOneWordWithTheirValue) {
  const auto found = published_port(
      "rootlesskit-doc", {"proxy", "-host-port=53", "-container-ip=fd00::2", "-container-port=5353"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text,
            "docker-proxy publishes it for port 5353 of the container at fd00::2 (its command line)");
}

TEST(PublishedPort, OfAProxyDeviceBothAddressesAreNamed) {
  const Words words = {"/usr/bin/lxd",    "forkproxy", "--", "90", "4", "tcp:0.0.0.0:8020", "187", "3",
                       "tcp:127.0.0.1:80"};
  const auto found = published_port("lxd", words);
  ASSERT_TRUE(found);
  EXPECT_EQ(
      found->text,
      "forkproxy has it for a proxy device that leads to tcp:127.0.0.1:80 in an instance (its command line)");
  EXPECT_NE(found->advice.find("`listen: tcp:0.0.0.0:8020`: `lxc config show"), std::string::npos);
  EXPECT_NE(published_port("incusd", words)->advice.find("`incus config show"), std::string::npos);
  EXPECT_FALSE(published_port("lxd", {"lxd", "--group", "lxd"})) << "the daemon itself";
  EXPECT_FALSE(published_port("lxd", Words(words.begin(), words.end() - 1)));
}

TEST(PublishedPort, WhatDoesNotSayItIsNone) {
  const Words whole = {"p", "-host-port", "1", "-container-ip", "a", "-container-port", "2"};
  EXPECT_TRUE(published_port("docker-proxy", whole));
  EXPECT_FALSE(published_port("nginx", whole)) << "another program";
  for (std::size_t left = 0; left < whole.size(); ++left)
    EXPECT_FALSE(
        published_port("docker-proxy", Words(whole.begin(), whole.begin() + static_cast<long>(left))))
        << left << " words";
  EXPECT_FALSE(
      published_port("docker-proxy", {"-host-port", "$(rm)", "-container-ip", "a", "-container-port", "2"}));
  EXPECT_FALSE(published_port("conmon", {"conmon", "-n"}));
}

TEST(PublishedPort, WordsThatATerminalOrAShellObeysAreNone) {
  for (const std::string name : {"a\x1b[31m", "a;reboot", "$(reboot)", "a b", "`x`", "--all"}) {
    EXPECT_FALSE(published_port("conmon", {"conmon", "-n", name})) << name;
    if (name != "--all") {
      EXPECT_FALSE(published_port("docker-proxy",
                                  {"p", "-host-port", "1", "-container-ip", name, "-container-port", "2"}));
      EXPECT_FALSE(published_port("lxd", {"lxd", "forkproxy", "--", "1", "2", name, "3", "4", "tcp:::1:80"}));
    }
  }
  EXPECT_FALSE(published_port("conmon", {"conmon", "-n", std::string(254, 'a')}));
}

}  // namespace
}  // namespace sockward::test
