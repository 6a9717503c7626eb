// Events on pods: what is created, what becomes a series, and what is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <numeric>

#include "base/printable.hpp"
#include "kubernetes/event_book.hpp"
#include "kubernetes/event_sink.hpp"
#include "kubernetes/pod_event.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;
using Answer = EventBook::Answer;

MonotonicTime at(double seconds) {
  return {static_cast<std::uint64_t>((seconds + 1) * 1e9)};
}

Record of_pod(const std::string& pod = "web-7d4b9c-x2x", std::uint16_t port = 80) {
  Record record{.event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", port)),
                .time = {1'763'776'800'123'456'789},
                .context = {}};
  record.diagnosis = {.cause = Cause::address_in_use,
                      .confidence = Confidence::certain,
                      .evidence = {"one"},
                      .advice = "stop one"};
  record.context.container = ContainerIdentity{.runtime = "containerd",
                                               .id = std::string(64, 'a'),
                                               .pod_uid = "a1b2c3d4-" + pod.substr(0, 100),
                                               .pod_namespace = "shop",
                                               .pod = pod,
                                               .pod_container = "nginx"};
  return record;
}

PodEvent an_event(const std::string& pod = "web", std::uint16_t port = 80) {
  return pod_event_of(of_pod(pod, port), "node1").value();
}

TEST(PodEvent, OfWhatIsNoPodOrHasNoNameThereIsNone) {
  Record record = of_pod();
  for (const char* bad : {"", "a/b", "../secrets", "-a", "a..b", "A", "a b", "a\n"}) {
    record.context.container->pod = bad;
    EXPECT_FALSE(pod_event_of(record, "node1")) << bad;
    EXPECT_TRUE(is_of_pod(record)) << bad;
  }
  record = of_pod();
  record.context.container->pod_namespace = "kube-system/pods";
  EXPECT_FALSE(pod_event_of(record, "node1"));
  record.context.container = ContainerIdentity{.runtime = "docker", .id = std::string(64, 'a')};
  EXPECT_FALSE(is_of_pod(record));
  EXPECT_FALSE(pod_event_of(record, "node1"));
}

TEST(PodEvent, ASandboxHasNoContainer) {
  Record record = of_pod();
  record.context.container->pod_container.clear();
  EXPECT_EQ(creation_of(*pod_event_of(record, "n"), "x", 1, {}).find("fieldPath"), std::string::npos);
}

TEST(PodEvent, TheNoteIsWhatTheJournalSaysInAtMost1024Bytes) {
  Record record = of_pod();
  record.diagnosis.holder = Holder{.pid = 7, .comm = "ngircd", .container = "host"};
  EXPECT_THAT(pod_event_of(record, "n")->note,
              HasSubstr("): address_in_use: ngircd[7] uid 0 on the host. Next: stop one"));
  for (std::size_t length = 900; length < 1100; ++length) {
    record.diagnosis.advice = std::string(length, 'x') + "äöü€😀\x1b";
    auto event = pod_event_of(record, "n");
    add_left_out(*event, 17);
    ASSERT_LE(event->note.size(), 1024u);
    ASSERT_TRUE(printable(event->note).exact) << "a character was cut: " << length;
    ASSERT_TRUE(event->note.ends_with(" (17 Events of this pod were left out before)"));
  }
}

TEST(PodEvent, RepeatsAreThoseOfTheSamePodContainerCauseCallAndAddress) {
  Record other_process = of_pod();
  other_process.event.actor.tgid = 99;
  other_process.time.ns += 5;
  other_process.diagnosis.holder = Holder{.pid = 8};
  const std::string key = pod_event_of(of_pod(), "n")->key;
  EXPECT_EQ(pod_event_of(other_process, "n")->key, key);
  EXPECT_NE(an_event("web", 81).key, an_event("web", 80).key);
  EXPECT_NE(an_event("other").key, an_event("web").key);
  Record other_cause = of_pod();
  other_cause.diagnosis.cause = Cause::privileged_port;
  EXPECT_NE(pod_event_of(other_cause, "n")->key, key);
}

TEST(PodEvent, NamesOfObjectsAreUniqueAndFitWhateverThePodIsCalled) {
  PodEvent event = an_event(std::string(230, 'a') + "-" + std::string(22, 'b'));
  const std::string name = object_name(event);
  EXPECT_LE(name.size(), 253u);
  EXPECT_EQ(name, object_name(event)) << "a try again has the same name";
  ++event.time.ns;
  EXPECT_NE(name, object_name(event));
  EXPECT_NE(object_name(an_event("web", 81)), object_name(an_event("web", 80)));
  EXPECT_EQ(object_name(an_event("web")).substr(0, 4), "web.");
}

TEST(PodEvent, EveryCauseHasAReasonThatKubernetesTakes) {
  for (const Cause cause : all_causes()) {
    const std::string reason = reason_of(cause);
    EXPECT_TRUE(reason.size() <= 128 && reason[0] >= 'A' && reason[0] <= 'Z') << reason;
    EXPECT_EQ(reason.find('_'), std::string::npos) << reason;
  }
  EXPECT_EQ(reason_of(Cause::address_in_use), "AddressInUse");
}

/// A book, and an API server that answers as it is told to.
class Book : public ::testing::Test {
 protected:
  /// Sends all that is due, and has it answered.
  std::vector<EventBook::Request> send(double seconds, Answer answer = Answer::accepted) {
    std::vector<EventBook::Request> sent;
    book.advance(at(seconds));
    while (auto request = book.next(at(seconds))) {
      sent.push_back(*request);
      book.answered(*request, answer, at(seconds));
      if (answer == Answer::later) break;
    }
    delivered += book.take_delivered();
    const auto more = book.take_losses();
    for (std::size_t i = 0; i < more.size(); ++i) losses[i] += more[i];
    return sent;
  }
  void occur(double seconds, const std::string& pod = "web", std::uint16_t port = 80) {
    PodEvent event = an_event(pod, port);
    event.time.ns += static_cast<std::int64_t>(seconds * 1e9);
    book.occurred(std::move(event), at(seconds));
    ++given;
  }
  std::uint64_t lost(EventLoss loss) const { return losses[static_cast<std::size_t>(loss)]; }
  void expect_all_accounted_for() {
    book.stop();
    const auto more = book.take_losses();
    EXPECT_EQ(delivered + std::accumulate(losses.begin(), losses.end(), 0ull) +
                  std::accumulate(more.begin(), more.end(), 0ull),
              given);
  }

  EventBook book{{.pod = 3, .node = 60}};
  std::uint64_t given = 0, delivered = 0;
  EventBook::Losses losses{};
};

TEST_F(Book, TheFirstCreatesAndRepeatsBecomeItsSeries) {
  occur(0);
  const auto first = send(0);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(first[0].creates);
  EXPECT_EQ(first[0].body.find("series"), std::string::npos);
  occur(2);
  occur(2.5);
  const auto second = send(3);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_FALSE(second[0].creates);
  EXPECT_EQ(second[0].name, first[0].name);
  EXPECT_EQ(second[0].body, R"({"series":{"count":3,"lastObservedTime":"2025-11-22T02:00:02.623456Z"}})");
  EXPECT_EQ(delivered, 3u);
  expect_all_accounted_for();
}

TEST_F(Book, WhatOccursBeforeItIsCreatedIsASeriesFromTheStart) {
  occur(0);
  occur(1);
  const auto sent = send(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0].body, HasSubstr(R"("series":{"count":2,)"));
  EXPECT_TRUE(send(100).empty());
}

TEST_F(Book, AStormOfOneIsToldEverMoreRarely) {
  std::size_t requests = 0;
  for (int i = 0; i < 6000; ++i) {
    occur(i * 0.1);
    requests += send(i * 0.1).size();
  }
  EXPECT_GE(requests, 10u);
  EXPECT_LE(requests, 20u) << "in ten minutes";
  send(700);
  EXPECT_EQ(delivered, given);
  EXPECT_EQ(lost(EventLoss::rate), 0u) << "repeats need no share";
}

TEST_F(Book, ASeriesEndsAfterSixQuietMinutes) {
  occur(0);
  const std::string name = send(0)[0].name;
  occur(359);
  EXPECT_FALSE(send(359)[0].creates);
  book.advance(at(359 + 359));
  EXPECT_FALSE(book.empty());
  book.advance(at(359 + 361));
  EXPECT_TRUE(book.empty());
  occur(359 + 362);
  const auto again = send(359 + 362);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].creates);
  EXPECT_NE(again[0].name, name);
}

TEST_F(Book, APodHasItsShareAndSoHasTheNode) {
  for (std::uint16_t port = 1; port <= 10; ++port) occur(0, "web", port);
  EXPECT_EQ(send(0).size(), 3u);
  EXPECT_EQ(lost(EventLoss::rate), 7u);
  occur(60, "web", 11);
  EXPECT_THAT(send(60)[0].body, HasSubstr("(7 Events of this pod were left out before)"));
  for (int pod = 0; pod < 100; ++pod) occur(61, "web-" + std::to_string(pod));
  EXPECT_LE(send(61).size(), 61u);
  EXPECT_GE(lost(EventLoss::rate), 7u + 39u);
  expect_all_accounted_for();
}

TEST_F(Book, AnEventThatVanishedIsCreatedAgainUnderAnotherName) {
  occur(0);
  const auto first = send(0)[0];
  occur(5);
  const auto patch = book.next(at(5));
  ASSERT_TRUE(patch && !patch->creates);
  book.answered(*patch, Answer::vanished, at(5));
  const auto again = send(5);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].creates);
  EXPECT_NE(again[0].name, first.name);
  EXPECT_EQ(again[0].body.find("series"), std::string::npos) << "the first is gone, and so is its count";
  EXPECT_EQ(delivered, 2u);
}

TEST_F(Book, ATryWhoseAnswerWasLostCountsOnce) {
  occur(0);
  send(0, Answer::later);
  occur(1);
  const auto again = book.next(at(2));
  ASSERT_TRUE(again && again->creates);
  book.answered(*again, Answer::exists, at(2));
  const auto patched = send(3);
  ASSERT_EQ(patched.size(), 1u);
  EXPECT_FALSE(patched[0].creates) << "what is there counts one";
  EXPECT_EQ(delivered, 2u);
}

TEST_F(Book, WhatTheApiNeverTakesIsLostAndOnlyThat) {
  occur(0, "a");
  occur(0, "b");
  occur(1, "b");
  while (const auto request = book.next(at(1)))
    if (request->name.starts_with("b."))
      book.answered(*request, EventLoss::forbidden);
    else
      book.answered(*request, Answer::accepted, at(1));
  send(1);
  EXPECT_EQ(lost(EventLoss::forbidden), 2u);
  EXPECT_EQ(delivered, 1u);
  expect_all_accounted_for();
}

TEST_F(Book, OneThatFailsDoesNotHoldUpTheOthers) {
  occur(0, "a");
  occur(0, "b");
  const auto first = send(0, Answer::later);
  const auto second = send(0, Answer::later);
  EXPECT_NE(first[0].name, second[0].name);
}

TEST_F(Book, WhatWaitsForAnHourIsLate) {
  occur(0);
  send(0, Answer::later);
  send(3599, Answer::later);
  EXPECT_EQ(lost(EventLoss::late), 0u);
  send(3601, Answer::later);
  EXPECT_EQ(lost(EventLoss::late), 1u);
  EXPECT_TRUE(book.empty());
}

TEST(EventBook, IsBoundedAndWhatOccurredLongestAgoMakesRoom) {
  EventBook book{{.pod = 0, .node = 0}};
  for (std::size_t i = 0; i < EventBook::kMost + 10; ++i)
    book.occurred(an_event("web-" + std::to_string(i)), at(static_cast<double>(i)));
  EXPECT_EQ(book.take_losses()[static_cast<std::size_t>(EventLoss::full)], 10u);
  std::size_t sent = 0;
  while (const auto request = book.next(at(2000))) {
    book.answered(*request, Answer::accepted, at(2000));
    ++sent;
  }
  EXPECT_EQ(sent, EventBook::kMost);
}

TEST(EventSink, AnswersAreUntrusted) {
  EXPECT_EQ(explanation_of({.status = 500, .retry_after = {}, .body = "<html>"}), "it answered 500");
  EXPECT_EQ(explanation_of({.status = 403, .retry_after = {}, .body = R"({"message":7})"}),
            "it answered 403");
  EXPECT_EQ(explanation_of({.status = 403, .retry_after = {}, .body = "{\"message\":\"a\\u001b[31m\"}"}),
            "it answered 403: a\\x1b[31m");
  EXPECT_EQ(explanation_of({.status = 403, .retry_after = {}, .body = std::string(60'000, '[')}),
            "it answered 403");
}

TEST(EventSink, CountsWhatBecomesOfEveryRecord) {
  DeliveryCounts counts;
  {
    // Nothing listens there.
    EventSink sink({.api = {.url = "http://127.0.0.1:1"}, .rates = {.pod = 2, .node = 60}}, counts);
    const auto write = [&sink](Record record) {
      record.event.time = SystemClock().monotonic();
      sink.write(record);
    };
    for (std::uint16_t port = 1; port <= 5; ++port) write(of_pod("web", port));
    Record other = of_pod();
    other.context.container->pod.clear();
    write(other);
    other.context.container = ContainerIdentity{};
    write(other);  // the host's: no pod
    other = of_pod();
    other.diagnosis.cause = Cause::unknown;
    write(other);
  }
  EXPECT_EQ(counts.suppressed, 3u);
  EXPECT_EQ(counts.dropped, 3u);
  EXPECT_EQ(counts.event_losses[static_cast<std::size_t>(EventLoss::rate)], 3u);
  EXPECT_EQ(counts.event_losses[static_cast<std::size_t>(EventLoss::unnamed)], 1u);
  EXPECT_EQ(counts.event_losses[static_cast<std::size_t>(EventLoss::stopped)], 2u);
  EXPECT_EQ(counts.delivered, 0u);
}

}  // namespace
}  // namespace sockward::test
