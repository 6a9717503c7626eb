// Was a name of 107 or 108 bytes cut from a longer one? Only evidence says so.
#include <gtest/gtest.h>

#include "diagnose/history.hpp"
#include "diagnose/socket_argument.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using Source = LongerName::Source;

const std::string kWhole = "/run/" + std::string(110, 'q') + "/app-ctl.sock";  // 128 bytes
const std::string kCut = kWhole.substr(0, 107);

NameSources now(const std::vector<std::string>& arguments) {
  return {.at_exec = {}, .arguments = arguments, .unlinked = {}, .resolved = {}};
}

std::optional<LongerName> from(const std::vector<std::string>& arguments, const std::string& used = kCut) {
  return longer_name_of(used, now(arguments));
}

TEST(LongerName, IsAnArgumentThatGoesOn) {
  for (const std::string& argument :
       {kWhole, "unix:" + kWhole, "unix://" + kWhole, "--socket=" + kWhole,
        "socket,path=" + kWhole + ",server=on", "address=unix:path=" + kWhole}) {
    const auto found = from({"server", "-v", argument});
    ASSERT_TRUE(found) << argument;
    EXPECT_EQ(found->name, kWhole) << argument;
    EXPECT_EQ(found->source, Source::argument_now);
    EXPECT_TRUE(found->within_word);
  }
  EXPECT_TRUE(from({kWhole}, kWhole.substr(0, 108)));
}

TEST(LongerName, IsSeenAtExecAlsoWhenTheCommandLineIsGone) {
  NameSources sources{
      .at_exec = {{.path = kWhole, .option = {}}}, .arguments = {}, .unlinked = {}, .resolved = {}};
  const auto found = longer_name_of(kCut, sources);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, Source::argument_at_exec);
  EXPECT_TRUE(found->within_word);
  sources.arguments = {"server", kCut};  // this is the one that was meant
  EXPECT_FALSE(longer_name_of(kCut, sources));
}

TEST(LongerName, IsNotAnythingThatBeginsLikeIt) {
  EXPECT_FALSE(from({}));
  EXPECT_FALSE(from({"server", kCut}));
  EXPECT_FALSE(from({kCut, kWhole}));  // the other one is the name
  EXPECT_FALSE(from({"--socket=" + kCut, kWhole}));
  EXPECT_FALSE(from({"unix:" + kCut + ",mode=600", kWhole}));
  EXPECT_FALSE(from({kCut + ".lock"}));
  EXPECT_FALSE(from({kCut + ".pid"}));
  EXPECT_FALSE(from({"--pidfile=" + kCut + ".pid"}));
  EXPECT_FALSE(from({kCut + ".lock", kCut}));
  EXPECT_FALSE(from({kCut + ",server=on"}));
  EXPECT_FALSE(from({kCut + ":/uri"}));
  EXPECT_FALSE(from({"open('" + kCut + "')"}));
  EXPECT_FALSE(from({"echo " + kWhole + " x"}));  // a script: no path begins behind a blank
  EXPECT_FALSE(from({"import x; x.bind('" + kWhole + "'[:107])"}));
  EXPECT_FALSE(from({kCut + " and more"}));
  EXPECT_FALSE(from({kCut + "\n"}));
  EXPECT_FALSE(from({"/srv" + kWhole}));  // another path that holds it
  EXPECT_FALSE(from({kWhole}, ""));
}

TEST(LongerName, ThatGoesOnAtTheEndOfAWordProvesNothing) {
  for (const std::string& argument :
       {kCut + ".sock", kCut + "/db", kCut + "-2", kCut + "12", kCut + "3/ctl"}) {
    const auto found = from({argument});
    ASSERT_TRUE(found) << argument;
    EXPECT_FALSE(found->within_word) << argument;
  }
  EXPECT_FALSE(surely_cut(kCut, *from({kCut + "/db"})));
  const std::string full = kWhole.substr(0, 108);
  EXPECT_TRUE(surely_cut(full, *from({full + "/db"}, full)));
  EXPECT_FALSE(surely_cut(full, *from({full + "12"}, full)));
  EXPECT_TRUE(from({kCut + "12th"})->within_word);
  EXPECT_TRUE(from({kCut + "\xc3\xa9.sock"})->within_word);  // a letter all the same
}

TEST(LongerName, IsAPathThatTheProcessTriedToRemoveBefore) {
  NameSources sources{.at_exec = {}, .arguments = {}, .unlinked = kWhole, .resolved = kCut};
  const auto found = longer_name_of(kCut, sources);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, Source::unlinked_before);
  sources.unlinked = kCut;
  EXPECT_FALSE(longer_name_of(kCut, sources));
  sources.unlinked = kCut + ".lock";
  EXPECT_FALSE(longer_name_of(kCut, sources));
  sources.unlinked = "/run/other";
  EXPECT_FALSE(longer_name_of(kCut, sources));
}

Event exec_of(std::uint32_t index, const std::string& text, std::uint64_t ns = 990'000'000) {
  Event event = an_event(Syscall::execve, 0);
  event.time = {ns};
  event.call = LongArgument{.index = index, .text = text, .before = "-S"};
  return event;
}

TEST(History, KeepsTheArgumentsOfOneExecAndThoseThatWereUsed) {
  History history;
  const std::string other = "/run/" + std::string(120, 'o') + ".sock";
  history.remember(exec_of(2, kWhole));
  history.remember(exec_of(4, other));
  const Event bind = unix_call(Syscall::bind, 0, kCut, 110);
  ASSERT_EQ(history.names_at_exec(bind).size(), 2U);
  EXPECT_EQ(history.names_at_exec(bind).front().option, "-S");
  history.remember(bind);
  EXPECT_EQ(history.names_at_exec(bind).size(), 2U);  // it may be bound again
  EXPECT_TRUE(history.names_at_exec(bind).front().used);
  EXPECT_EQ(history.pending_name(bind)->path, other);
  history.remember(exec_of(2, other, 1'500'000'000));  // the next program of this process
  EXPECT_EQ(history.names_at_exec(bind).size(), 1U);
  Event stranger = bind;
  stranger.actor.tgid += 1;
  EXPECT_TRUE(history.names_at_exec(stranger).empty());
}

TEST(History, KnowsALongerPathThatTheProcessFailedToRemove) {
  History history;
  history.remember(path_call(Syscall::unlink, EPERM, kWhole));
  const Event bind = unix_call(Syscall::bind, 0, kCut, 110);
  EXPECT_EQ(history.unlinked_longer(bind, kCut), kWhole);
  EXPECT_FALSE(history.unlinked_longer(bind, kWhole));
  Event stranger = bind;
  stranger.actor.leader_start_ns += 1;
  EXPECT_FALSE(history.unlinked_longer(stranger, kCut));
}

TEST(SocketArgument, IsTheControlPathOfSsh) {
  for (const std::string& text :
       {"ControlPath=" + kWhole, "controlpath=" + kWhole, "-oControlPath=" + kWhole}) {
    const LongArgument argument{.index = 2, .text = text, .before = "-o"};
    EXPECT_EQ(overlong_socket_path(argument), kWhole) << text;
    EXPECT_EQ(socket_option(argument), "ControlPath") << text;
  }
  EXPECT_EQ(socket_option({.index = 2, .text = kWhole, .before = "-S"}), "-S");
  EXPECT_EQ(socket_option({.index = 2, .text = "-S" + kWhole, .before = "x"}), "-S");
  EXPECT_EQ(socket_option({.index = 2, .text = "--unix-socket=" + kWhole, .before = "x"}), "--unix-socket");
  EXPECT_EQ(socket_option({.index = 2, .text = kWhole, .before = "x"}), "");
}

}  // namespace
}  // namespace sockward::test
