// What leaves the agent: JSON, terminal, HTTP and settings.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <unistd.h>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "config/settings.hpp"
#include "file/output_file.hpp"
#include "host/paths/host_users.hpp"
#include "http/server.hpp"
#include "jsonl/json_record.hpp"
#include "prometheus/catalogue.hpp"
#include "support/builders.hpp"
#include "telemetry/diagnosis_counts.hpp"
#include "terminal/terminal_text.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kEvil = "\xff\x1b[31m\"\\\n<b>\xe2\x80\xae";

Record hostile_record() {
  Record record{.event = unix_call(Syscall::bind, EACCES, "/run/" + kEvil, 40)};
  record.event.actor.comm = kEvil;
  record.context.executable = kEvil;
  record.context.arguments = std::vector<std::string>{kEvil, kEvil};
  record.context.container = ContainerIdentity{.runtime = "lxc", .name = kEvil};
  record.context.cgroup_path = "/lxc.payload." + kEvil;
  record.diagnosis.evidence = {kEvil};
  record.diagnosis.advice = kEvil;
  record.diagnosis.holder = Holder{.pid = 7, .comm = kEvil, .container = kEvil};
  return record;
}

TEST(JsonRecord, IsValidWhateverTheNamesHold) {
  Record record = hostile_record();
  record.resource = {.service_version = kEvil, .host_id = kEvil, .host_name = kEvil};
  const std::string line = to_json(record, CommandArgs::full);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str());
  ASSERT_FALSE(document.HasParseError());
  const auto& attributes = document["attributes"];
  EXPECT_STREQ(attributes["sockward.address"].GetString(),
               "unix:/run/\\xff\\x1b[31m\"\\\\x0a<b>\\xe2\\x80\\xae");
  EXPECT_STREQ(attributes["sockward.address.bytes"].GetString(), "L3J1bi//G1szMW0iXAo8Yj7igK4=");
}

TEST(JsonRecord, ShowsTheCommandLineOnlyWhenAsked) {
  const Record record = hostile_record();
  EXPECT_THAT(to_json(record), Not(HasSubstr("command_args")));
  EXPECT_THAT(to_json(record, CommandArgs::full), HasSubstr("command_args"));
}

TEST(TerminalText, OfALongPathTheMiddleIsLeftOut) {
  EXPECT_EQ(elide_middle("/run/x.sock", 11), "/run/x.sock");
  EXPECT_EQ(elide_middle("/var/lib/containers/storage/overlay/abc/server.sock", 32),
            "/var/lib/contai…bc/server.sock");
  // The last component is whole if it fits, and both ends stay if it does not.
  EXPECT_EQ(elide_middle("/var/lib/a/" + std::string(20, 'n'), 28), "/var…/" + std::string(20, 'n'));
  EXPECT_EQ(elide_middle("/var/" + std::string(60, 'n') + "end", 23), "/var/nnnnn…nnnnnnnend");
  // No character is cut, and no byte more is used.
  for (std::size_t width = 8; width < 40; ++width) {
    const std::string text = elide_middle("/ä/öööööööö/üüüüüü/ßßßßßßßß/ééééé.sock", width);
    EXPECT_LE(text.size(), width);
    EXPECT_EQ(printable(text).text, text);
  }
}

TEST(TerminalText, APathIsElidedWherePeopleLookAndWholeInAFile) {
  const std::string path = "/srv/" + std::string(90, 'd') + "/x.sock";
  Record record{.event = unix_call(Syscall::bind, EACCES, path, 104)};
  record.diagnosis.advice = "chmod g+w " + path;
  const std::string shown = to_terminal(record, {.colour = false, .columns = 60, .elide = true}),
                    whole = to_terminal(record, {.colour = false, .columns = 120});
  EXPECT_THAT(shown, HasSubstr("unix:/srv/dddddd"));
  EXPECT_THAT(shown, HasSubstr("…"));
  EXPECT_THAT(shown, HasSubstr("/x.sock\n"));
  EXPECT_THAT(whole, HasSubstr(path));
  EXPECT_THAT(whole, Not(HasSubstr("…")));
}

TEST(TerminalText, NamesUsersOfTheHostAndNoneOfAContainer) {
  Record record{.event = path_bind(EACCES)};
  TerminalStyle style;
  const std::string number = fmt::format("uid={}", record.event.actor.uid);
  record.context.container = ContainerIdentity{};
  EXPECT_THAT(to_terminal(record, style), HasSubstr(number + "\n"));
  style.user_text = [](std::uint32_t uid) { return fmt::format("{}(alice)", uid); };
  EXPECT_THAT(to_terminal(record, style), HasSubstr(number + "(alice)"));
  record.context.container->runtime = "lxc";
  EXPECT_THAT(to_terminal(record, style), Not(HasSubstr("alice"))) << "its users are others";
}

TEST(HostUsers, AreNamedWhereThisHostNamesThem) {
  HostUsers users;
  EXPECT_EQ(users.text(0), "0(root)");
  EXPECT_EQ(users.text(4'294'967'290), "4294967290");
  EXPECT_EQ(users.text(0), "0(root)") << "kept";
}

TEST(TerminalText, CannotSteerATerminal) {
  for (const bool colour : {false, true}) {
    std::string text = to_terminal(hostile_record(), {.colour = colour});
    for (std::size_t at; (at = text.find("\x1b[")) != std::string::npos;) {
      const std::size_t end = text.find('m', at);
      ASSERT_NE(end, std::string::npos);
      for (std::size_t i = at + 2; i < end; ++i)
        ASSERT_TRUE(std::isdigit(static_cast<unsigned char>(text[i])));
      text.erase(at, end - at + 1);
    }
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  }
}

TEST(TerminalText, KeepsToTheColumns) {
  Record record{.event = unix_call(Syscall::bind, EINVAL, "/" + std::string(300, 'p'), 303)};
  record.diagnosis = {.cause = Cause::path_too_long,
                      .confidence = Confidence::certain,
                      .evidence = {std::string(250, 'e'), "short"},
                      .advice = std::string(120, 'a')};
  for (const std::size_t columns : {80u, 100u}) {
    std::string text = to_terminal(record, {.columns = columns}) + "\n";
    while (!text.empty()) {
      EXPECT_LE(text.find('\n'), columns);
      text.erase(0, text.find('\n') + 1);
    }
  }
}

TEST(SeverityOfARecord, FollowsTheContract) {
  Record record{.event = name_call(0, "old", "new")};
  record.context.container = ContainerIdentity{};
  EXPECT_EQ(severity_of(record), Severity::info);
  record.host_scope = true;
  EXPECT_EQ(severity_of(record), Severity::warn);
  record.context.container = ContainerIdentity{.runtime = "docker", .id = "x"};
  EXPECT_EQ(severity_of(record), Severity::error);
  Record denied{.event = name_call(EPERM, "old", "new")};
  denied.diagnosis.cause = Cause::hostname_denied;
  EXPECT_EQ(severity_of(denied), Severity::error);
  EXPECT_EQ(severity_of({.event = inet_bind(EACCES, tcp4("0.0.0.0", 80))}), Severity::warn);
}

TEST(OutputToADescriptor, SaysWhenTheReaderHasGone) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  signal(SIGPIPE, SIG_IGN);
  OutputFile output(ends[1]);
  EXPECT_TRUE(output.add_line("one"));
  EXPECT_TRUE(output.flush());
  close(ends[0]);
  EXPECT_TRUE(output.add_line("two"));
  EXPECT_FALSE(output.flush());
  EXPECT_EQ(output.take_lost(), 1u);
  EXPECT_FALSE(output.add_line("three"));
  EXPECT_EQ(output.take_lost(), 0u) << "it was not taken";
  close(ends[1]);
}

TEST(OutputToADescriptor, CountsWhatFindsNoRoomAndBeginsALineOfItsOwnBehindATornOne) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  OutputFile output(ends[1]);
  const std::string record = std::string(999, 'x');
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(output.add_line(record));
  EXPECT_FALSE(output.flush());
  EXPECT_EQ(output.take_lost(), 2u) << "four, and 96 bytes of the fifth, were written";
  EXPECT_EQ(output.take_lost(), 0u);
  EXPECT_TRUE(output.add_line("there is no room yet"));
  EXPECT_FALSE(output.flush());
  EXPECT_EQ(output.take_lost(), 1u);
  std::string all(4096, '\0');
  ASSERT_EQ(read(ends[0], all.data(), all.size()), 4096);
  EXPECT_TRUE(output.add_line("next"));
  EXPECT_TRUE(output.flush());
  char rest[16] = {};
  ASSERT_EQ(read(ends[0], rest, sizeof(rest)), 6);
  EXPECT_STREQ(rest, "\nnext\n");
  close(ends[0]);
  close(ends[1]);
}

TEST(HostHeader, MustBeAnAddressLocalhostOrAllowed) {
  for (const char* good :
       {"127.0.0.1", "127.0.0.1:9966", "[::1]", "[::1]:9966", "localhost", "localhost:1", "node.example:5"})
    EXPECT_TRUE(host_is_accepted(good, {"node.example"})) << good;
  for (const char* bad : {"", ":9966", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                          "[evil]", "0x7f000001", "[", "node.example.evil"})
    EXPECT_FALSE(host_is_accepted(bad, {"node.example"})) << bad;
}

TEST(ListenAddresses, AreParsedStrictly) {
  EXPECT_EQ(parse_listen_address("[::1]:80").host, "::1");
  EXPECT_EQ(parse_listen_address(":9966").host, "::");
  EXPECT_EQ(parse_listen_address("127.0.0.1:0").port, 0);
  for (const char* bad : {"", "9966", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                          "127.0.0.1:-1", "host:80", "1.2.3:80"})
    EXPECT_THROW(parse_listen_address(bad), StartupError) << bad;
}

TEST(SettingsFile, FillsEveryKey) {
  const Settings s = parse_settings(
      "probes: {errno: [EACCES, EPERM], backend: tracepoint}\nnames: {near_limit_bytes: 90}\n"
      "records: {output: json, file: /x, command_args: full, ignore_paths: [/a, /b/*]}\n"
      "metrics: {container_name_cap: 7, "
      "container_name_ttl: 90s}\n"
      "limits: {ring_bytes: 4MiB, queue_records: 100, source_entries: 200}\n"
      "web: {listen_address: ['127.0.0.1:1', ':2'], telemetry_path: /m, enable_ui: true, allowed_hosts: "
      "a}\nhost: {uts_namespace: 5}\n",
      "f.yml");
  EXPECT_EQ(s.probes.errors, (std::vector<std::string>{"EACCES", "EPERM"}));
  EXPECT_EQ(s.records.ignore_paths, (std::vector<std::string>{"/a", "/b/*"}));
  EXPECT_EQ(s.limits.ring_bytes, 4u << 20);
  EXPECT_EQ(s.metrics.container_name_ttl, std::chrono::seconds(90));
  EXPECT_EQ(s.web.allowed_hosts, std::vector<std::string>{"a"});
  EXPECT_TRUE(s.web.enable_ui);
  EXPECT_EQ(s.host.uts_namespace, 5u);
  EXPECT_NO_THROW(parse_settings("", "f.yml"));
  EXPECT_TRUE(parse_settings("records: {ignore_paths: []}", "f.yml").records.ignore_paths.empty());
}

TEST(SettingsFile, NamesTheNearestKey) {
  try {
    parse_settings("web:\n  enable_iu: true\n", "f.yml");
    FAIL();
  } catch (const StartupError& error) {
    EXPECT_EQ(error.kind(), StartupError::Kind::usage);
    EXPECT_THAT(error.what(), HasSubstr("f.yml:2: unknown key \"enable_iu\" in web"));
    EXPECT_THAT(error.next_step(), HasSubstr("\"enable_ui\""));
  }
}

TEST(SettingsFile, RefusesGarbageWithoutCrashing) {
  for (const char* bad :
       {"a: [", "- x", "web: 3", "limits: {ring_bytes: -1}", "limits: {ring_bytes: 1GiB}",
        "metrics: {container_name_ttl: soon}", "names: {near_limit_bytes: x}", "? {}", "\x80key: 1",
        "probes: {errno: {a: b}}", "probes: {backend: kprobe}", "records: {ignore_paths: x}",
        "records: {ignore_paths: [/a*]}", "records: {ignore_paths: [/*/a]}"})
    EXPECT_THROW(parse_settings(bad, "f.yml"), StartupError) << bad;
}

TEST(DiagnosisCounting, IsBoundedByContainers) {
  DiagnosisCounts counts(1);
  EXPECT_TRUE(counts.add({"unknown", Syscall::bind, "docker:a"}));
  EXPECT_FALSE(counts.add({"unknown", Syscall::bind, "docker:b"}));
  EXPECT_TRUE(counts.add({"unknown", Syscall::bind, "host"}));
  EXPECT_EQ(counts.read().size(), 3u);
  counts.forget("docker:a");
  EXPECT_TRUE(counts.add({"unknown", Syscall::bind, "docker:b"}));
}

TEST(MetricCatalogue, FollowsTheConventions) {
  for (const auto& metric : metric_catalogue()) {
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == MetricType::counter) << metric.name;
    EXPECT_TRUE(metric.name.starts_with("sockward_") || metric.name.starts_with("process_")) << metric.name;
    EXPECT_EQ(metric.help.find_first_of("\\\n|"), std::string_view::npos) << metric.name;
    EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
  }
}

}  // namespace
}  // namespace sockward::test
