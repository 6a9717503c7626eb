// Socket paths in arguments, and whether a name of 107 or 108 bytes was cut from one: only evidence says so.
#include "diagnose/socket_argument.hpp"

#include <gtest/gtest.h>

#include "diagnose/history.hpp"
#include "support/processes.hpp"

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

TEST(SocketArgument, IsFoundInEveryForm) {
  for (const std::string& text : {kLong, "unix:" + kLong, "unix://" + kLong, "type=unixio,path=" + kLong,
                                  "socket,id=c,path=" + kLong + ",server=on", "--unix-socket=" + kLong})
    EXPECT_EQ(overlong_socket_path(argument(text)), kLong) << text;
  const std::string plain = "/srv/" + std::string(120, 'x') + "/control";
  EXPECT_EQ(overlong_socket_path(argument(plain, "-S")), plain);
}

TEST(SocketArgument, IsNotAnyLongText) {
  const std::string file = "/srv/" + std::string(120, 'x') + "/data.txt";
  for (const std::string& text : {file, kLong + ".txt", "--output=" + file, "path=" + file, "cat " + kLong,
                                  std::string(200, 'a'), std::string("unix:/run/short.sock"), std::string()})
    EXPECT_FALSE(overlong_socket_path(argument(text))) << text;
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

}  // namespace
}  // namespace sockward::test
