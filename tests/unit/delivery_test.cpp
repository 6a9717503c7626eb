// Alerts, log formats, the web configuration, and what carries them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "alertmanager/alert_book.hpp"
#include "base/bounded_queue.hpp"
#include "base/startup_error.hpp"
#include "config/web_config.hpp"
#include "delivery/delivery_queue.hpp"
#include "delivery/group_limits.hpp"
#include "http/authentication.hpp"
#include "journald/journald_sink.hpp"
#include "journald/message_id.hpp"
#include "jsonl/json_record.hpp"
#include "otlp/otlp_json.hpp"
#include "record/attributes.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kSecond = 1'000'000'000;
WallTime at(std::int64_t seconds) {
  return {seconds * kSecond};
}

Record a_record(const std::string& path = "/run/x.sock") {
  Record record{
      .event = unix_call(Syscall::bind, EADDRINUSE, path, 14), .time = at(1'700'000'000), .context = {}};
  record.diagnosis = {.cause = Cause::address_in_use,
                      .confidence = Confidence::certain,
                      .evidence = {"one", "two"},
                      .advice = "stop one"};
  record.context.container = ContainerIdentity{.runtime = "lxc", .name = "irc"};
  return record;
}

Alert an_alert(const std::string& cause) {
  return {.labels = {{"alertname", "A"}, {"cause", cause}},
          .annotations = {{"process", "x[1]"}},
          .starts = {},
          .ends = {}};
}

TEST(Alerts, HaveAnIdentityThatDoesNotChangeFromOneOccurrenceToTheNext) {
  Record one = a_record(), other = a_record();
  other.event.actor.tgid = 99;
  other.event.time.ns += 5;
  const AlertIdentity identity{.labels = {{"job", "sockward"}}, .generator_url = {}};
  EXPECT_EQ(alert_of(one, identity).labels, alert_of(other, identity).labels);
  EXPECT_NE(alert_of(one, identity).annotations, alert_of(other, identity).annotations);
  EXPECT_EQ(alert_of(one, identity).labels["alertname"], "SockwardPushedAddressInUse");
  EXPECT_EQ(alert_of(one, identity).labels["container_name"], "lxc:irc");
}

TEST(Alerts, HoldHostileNamesAsText) {
  const Alert alert = alert_of(a_record("/run/\xff\x1b[31m\"\n"), {});
  for (const auto& [name, value] : alert.annotations)
    EXPECT_EQ(value.find_first_of("\x1b\n\xff"), std::string::npos) << name;
  EXPECT_THAT(to_json({alert}, ""), HasSubstr("SockwardPushedAddressInUse"));
  EXPECT_EQ(to_json({alert}, "").find("generatorURL"), std::string::npos) << "an empty one is refused";
}

TEST(AlertBook, SendsNewsAtOnceAndActiveAlertsAgain) {
  AlertBook book({.hold = std::chrono::seconds(300), .resend = std::chrono::seconds(60)});
  AlertBook::Receiver receiver;
  const auto send = [&](WallTime now) {
    const auto due = book.due(receiver, now, 64);
    for (std::size_t i = 0; i < due.keys.size(); ++i) receiver[due.keys[i]] = {due.versions[i], now};
    return due.alerts;
  };
  book.occurred(an_alert("a"), at(0));
  ASSERT_EQ(send(at(0)).size(), 1u);
  EXPECT_TRUE(send(at(30)).empty());
  const auto again = send(at(60));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].starts, at(0));
  EXPECT_EQ(again[0].ends, at(60 + 240));
}

TEST(AlertBook, ResolvesWithEverythingAfterTheHoldAndForgetsLater) {
  AlertBook book({.hold = std::chrono::seconds(300), .resend = std::chrono::seconds(60)});
  book.occurred(an_alert("a"), at(0));
  book.occurred(an_alert("a"), at(100));
  book.advance(at(399));
  EXPECT_EQ(book.active(), 1u);
  book.advance(at(400));
  EXPECT_EQ(book.active(), 0u);
  const auto due = book.due({}, at(400), 64);
  ASSERT_EQ(due.alerts.size(), 1u);
  EXPECT_EQ(due.alerts[0].ends, at(400));
  EXPECT_EQ(due.alerts[0].annotations.at("process"), "x[1]") << "a resolve without annotations wipes them";
  EXPECT_EQ(due.alerts[0].annotations.at("occurrences"), "2");
  book.occurred(an_alert("a"), at(450));
  EXPECT_EQ(book.due({}, at(450), 64).alerts[0].starts, at(450)) << "a new episode";
  book.advance(at(10'000));
  book.advance(at(20'000));
  EXPECT_TRUE(book.due({}, at(20'000), 64).alerts.empty());
}

TEST(AlertBook, AStormOfOneAlertIsNotPostedAsOften) {
  AlertBook book({});
  book.occurred(an_alert("a"), at(0));
  const auto first = book.due({}, at(0), 64);
  AlertBook::Receiver receiver{{first.keys[0], {first.versions[0], at(0)}}};
  for (int i = 0; i < 1000; ++i) book.occurred(an_alert("a"), {kSecond + i});
  EXPECT_TRUE(book.due(receiver, at(2), 64).alerts.empty());
}

TEST(AlertBook, IsBoundedAndTheOneThatOccurredLongestAgoMakesRoom) {
  AlertBook book({});
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < AlertBook::kMost + 10; ++i)
    dropped += book.occurred(an_alert(std::to_string(i)), at(static_cast<std::int64_t>(i)));
  EXPECT_EQ(dropped, 10u);
  EXPECT_EQ(book.active(), AlertBook::kMost);
}

TEST(OtlpRecord, HasTypedValuesAndNumbersAsText) {
  const DeliveryQueue::Item item = to_otlp_record(a_record(), CommandArgs::off);
  const std::string& record = item.text;
  EXPECT_THAT(record, HasSubstr(R"("timeUnixNano":"1700000000000000000")"));
  EXPECT_THAT(record, HasSubstr(R"({"key":"process.pid","value":{"intValue":"4121"}})"));
  EXPECT_THAT(record, HasSubstr(R"("eventName":"sockward.call.failed")"));
  EXPECT_THAT(record,
              HasSubstr(R"({"arrayValue":{"values":[{"stringValue":"one"},{"stringValue":"two"}]}})"));
  EXPECT_THAT(to_otlp_request({item, item}), HasSubstr("},{\"timeUnixNano\""));
}

TEST(OtlpRequest, HasOneResourceForEachNameOfTheHost) {
  std::vector<DeliveryQueue::Item> items;
  for (const char* host : {"old", "old", "new"}) {
    Record record = a_record();
    record.resource.host_name = host;
    items.push_back(to_otlp_record(record, CommandArgs::off));
  }
  rapidjson::Document request;
  request.Parse(to_otlp_request(items).c_str());
  ASSERT_FALSE(request.HasParseError());
  const auto& resources = request["resourceLogs"];
  ASSERT_EQ(resources.Size(), 2u);
  EXPECT_EQ(resources[0]["scopeLogs"][0]["logRecords"].Size(), 2u);
  EXPECT_EQ(resources[1]["scopeLogs"][0]["logRecords"].Size(), 1u);
  const auto& attributes = resources[1]["resource"]["attributes"];
  EXPECT_STREQ(attributes[attributes.Size() - 1]["value"]["stringValue"].GetString(), "new");
}

TEST(Attributes, AreTheSameForEveryOutput) {
  std::set<std::string> names;
  visit_attributes(a_record(), CommandArgs::full, [&](std::string_view key, const AttributeValue& value) {
    EXPECT_TRUE(names.emplace(key).second) << key << " twice";
    EXPECT_FALSE(std::holds_alternative<std::monostate>(value)) << key;
  });
  EXPECT_GT(names.size(), 15u);
  const std::string line = to_json(a_record()), otlp = to_otlp_record(a_record(), CommandArgs::off).text;
  for (const auto& name : names) {
    EXPECT_THAT(line, HasSubstr("\"" + name + "\":"));
    EXPECT_THAT(otlp, HasSubstr("{\"key\":\"" + name + "\""));
  }
}

TEST(JournalFields, AreNamedAsTheJournalWants) {
  const auto fields = journal_fields(a_record(), CommandArgs::off);
  EXPECT_THAT(fields, Contains("PRIORITY=4"));
  EXPECT_THAT(fields, Contains("SOCKWARD_CAUSE=address_in_use"));
  EXPECT_THAT(fields, Contains("SOCKWARD_EVIDENCE=one"));
  EXPECT_THAT(fields, Contains("SOCKWARD_EVIDENCE=two"));
  EXPECT_THAT(fields, Contains("PROCESS_PID=4121"));
  for (const auto& field : fields)
    EXPECT_EQ(field.substr(0, field.find('=')).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
              std::string::npos);
}

TEST(JournalFields, NameTheUnitThatFailed) {
  Record record = a_record();
  record.context.unit = SystemdUnit{.name = "irc.service"};
  EXPECT_THAT(journal_fields(record, CommandArgs::off), Contains("OBJECT_SYSTEMD_UNIT=irc.service"));
  EXPECT_THAT(journal_fields(record, CommandArgs::off), Contains("SOCKWARD_UNIT=irc.service"));
  record.context.unit->manager = SystemdUnit::Manager::user;
  EXPECT_THAT(journal_fields(record, CommandArgs::off), Contains("OBJECT_SYSTEMD_USER_UNIT=irc.service"));
  EXPECT_THAT(journal_fields(record, CommandArgs::off), Not(Contains(HasSubstr("OBJECT_SYSTEMD_UNIT="))));
  // Another manager's: a unit of the host may have the same name.
  record.context.unit->manager = SystemdUnit::Manager::container;
  EXPECT_THAT(journal_fields(record, CommandArgs::off), Not(Contains(HasSubstr("OBJECT_"))));
}

TEST(JournalFields, SayWhatToDoAndWhatWasLeftOut) {
  Record record = a_record();
  record.diagnosis.holder = Holder{.pid = 7, .comm = "ngircd", .container = "host"};
  const std::string message = journal_fields(record, CommandArgs::off, 12).front();
  EXPECT_THAT(message, HasSubstr("address_in_use: ngircd[7] uid 0 on the host. Next: stop one"));
  EXPECT_THAT(message, HasSubstr("12 entries"));
}

TEST(MessageIds, AreTheCatalogs) {
  std::ifstream file(SOCKWARD_SOURCE_DIR "/packaging/systemd/sockward.catalog");
  const std::string catalog((std::istreambuf_iterator<char>(file)), {});
  std::set<std::string_view> seen;
  for (const Cause cause : all_causes()) {
    const std::string_view id = message_id_of(cause);
    EXPECT_EQ(id.size(), 32u);
    EXPECT_TRUE(seen.insert(id).second) << to_string(cause);
    EXPECT_THAT(catalog, HasSubstr(fmt::format("-- {}\nSubject: {}: ", id, to_string(cause))));
  }
}

TEST(GroupLimits, LetEachGroupHaveItsShare) {
  GroupLimits limits(2);
  const auto now = [](double seconds) {
    return MonotonicTime{static_cast<std::uint64_t>(seconds * 1e9) + 1};
  };
  EXPECT_EQ(limits.admit("a", now(0)), 0u);
  EXPECT_EQ(limits.admit("a", now(0)), 0u);
  EXPECT_FALSE(limits.admit("a", now(1)));
  EXPECT_FALSE(limits.admit("a", now(2)));
  EXPECT_EQ(limits.admit("b", now(2)), 0u) << "another group";
  EXPECT_EQ(limits.admit("a", now(31)), 2u) << "those left out are said once";
  EXPECT_FALSE(limits.admit("a", now(32)));
  EXPECT_EQ(limits.admit("a", now(3600)), 1u);
  EXPECT_EQ(limits.admit("a", now(3600)), 0u) << "no more than two at once";
  EXPECT_FALSE(limits.admit("a", now(3600)));
}

TEST(GroupLimits, AreBoundedAndCanBeOff) {
  GroupLimits limits(1), none(0);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(limits.admit(std::to_string(i), {1}), 0u);
  EXPECT_FALSE(limits.admit("4999", {1}));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(none.admit("a", {1}), 0u);
}

TEST(JournalFields, HoldHostileNamesInOneLineEach) {
  Record record = a_record("/run/\xff\x1b[31m\"\nMESSAGE=forged");
  record.event.actor.comm = "a\nPRIORITY=0";
  record.diagnosis.evidence = {"one\nPRIORITY=0"};
  record.diagnosis.advice = "two\nPRIORITY=0";
  record.context.unit = SystemdUnit{.name = "x\nPRIORITY=0.service"};
  const auto fields = journal_fields(record, CommandArgs::full);
  EXPECT_GT(fields.size(), 15u);
  for (const auto& field : fields) EXPECT_EQ(field.find_first_of("\n\x1b\xff"), std::string::npos) << field;
}

TEST(WebConfig, RefusesWhatItDoesNotKnowByName) {
  const auto refused = [](const std::string& yaml, const char* word) {
    try {
      parse_web_config(yaml, "web.yml");
      ADD_FAILURE() << yaml;
    } catch (const StartupError& error) {
      EXPECT_THAT(std::string(error.what()) + error.next_step(), HasSubstr(word)) << yaml;
    }
  };
  refused("tls_server_config: {cert_fiel: x}", "cert_file");
  refused("rate_limit: {burst: 1}", "rate_limit");
  refused("http_server_config: {http2: true}", "http2");
  refused("http_server_config: {headers: {A: \"b\\nc\"}}", "one line");
  refused("basic_auth_users: {a: secret}", "bcrypt");
  refused("tls_server_config: {cert_file: /nope, key_file: /nope}", "/nope");
  refused("- a list", "mapping");
  refused("a: [", "YAML");
  EXPECT_TRUE(parse_web_config("", "web.yml").users.empty());
}

TEST(Authentication, TakesTheRightPasswordOnly) {
  // crypt("right", "$2b$05$abcdefghijklmnopqrstuu")
  Authentication authentication;
  const std::map<std::string, std::string> users{
      {"u", "$2b$05$abcdefghijklmnopqrstuu8xaCxxL82bnl.UY74PMksDxIJShppPC"}};
  EXPECT_TRUE(authentication.accepts("Basic dTpyaWdodA==", users));  // u:right
  EXPECT_TRUE(authentication.accepts("Basic dTpyaWdodA==", users)) << "remembered";
  EXPECT_FALSE(authentication.accepts("", users));
  EXPECT_FALSE(authentication.accepts("Basic dTp3cm9uZw==", users));  // u:wrong
  EXPECT_FALSE(authentication.accepts("Basic eDpyaWdodA==", users));  // x:right
  EXPECT_FALSE(authentication.accepts("Basic !!!", users));
  EXPECT_FALSE(authentication.accepts("Bearer dTpyaWdodA==", users));
  EXPECT_EQ(from_base64("dTpyaWdodA=="), "u:right");
  EXPECT_EQ(from_base64("d*"), "");
}

TEST(DeliveryQueue, TriesAgainKeepsTheOrderAndDropsTheOldest) {
  DeliveryCounts counts;
  std::vector<std::string> arrived;  // texts
  std::atomic<bool> away{true};
  std::mutex mutex;
  {
    DeliveryQueue queue(
        [&](const std::vector<DeliveryQueue::Item>& batch) {
          if (away) return DeliveryQueue::Outcome::retry;
          const std::lock_guard lock(mutex);
          for (const auto& item : batch) arrived.push_back(item.text);
          return DeliveryQueue::Outcome::delivered;
        },
        counts,
        {.queued = 3,
         .batch = 2,
         .first_pause = std::chrono::milliseconds(1),
         .longest_pause = std::chrono::milliseconds(2),
         .at_end = std::chrono::milliseconds(500)});
    for (const char* text : {"1", "2", "3", "4", "5"}) queue.add({.group = {}, .text = text});
    while (counts.errors == 0) std::this_thread::yield();
    away = false;
  }
  ASSERT_EQ(arrived.size() + counts.dropped, 5u);
  EXPECT_TRUE(std::is_sorted(arrived.begin(), arrived.end()));
  EXPECT_EQ(arrived.back(), "5");
  EXPECT_EQ(counts.delivered, arrived.size());
}

TEST(DeliveryQueue, GivesUpWhatIsRefusedAndWhatIsLeftAtTheEnd) {
  DeliveryCounts counts;
  {
    DeliveryQueue queue(
        [](const std::vector<DeliveryQueue::Item>&) { return DeliveryQueue::Outcome::refused; }, counts);
    queue.add({.group = {}, .text = "x"});
  }
  EXPECT_EQ(counts.dropped, 1u);
  {
    DeliveryQueue queue([](const std::vector<DeliveryQueue::Item>&) { return DeliveryQueue::Outcome::retry; },
                        counts, {.at_end = std::chrono::milliseconds(1)});
    queue.add({.group = {}, .text = "y"});
  }
  EXPECT_EQ(counts.dropped, 2u);
  EXPECT_EQ(counts.delivered, 0u);
}

TEST(BoundedQueueInterrupt, LetsAWaitingConsumerGoOnce) {
  BoundedQueue<int> queue(2);
  std::thread consumer([&] { EXPECT_EQ(queue.pop(), std::nullopt); });
  queue.interrupt();
  consumer.join();
  queue.try_push(7);
  EXPECT_EQ(queue.pop(), 7);
}

}  // namespace
}  // namespace sockward::test
