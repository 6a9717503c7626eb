// What the page is asked for, and what it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "page/failure_card.hpp"
#include "page/page.hpp"
#include "page/page_query.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime kNow{1'764'212'400'000'000'000};  // 2025-11-27T03:00:00Z

Record failed(const std::string& path = "/run/app.sock") {
  Record record{.event = unix_call(Syscall::bind, EADDRINUSE, path, path.size() + 3), .time = kNow};
  record.diagnosis = {.cause = Cause::address_in_use,
                      .confidence = Confidence::certain,
                      .evidence = {"a listener"},
                      .advice = "stop it",
                      .holder = Holder{.pid = 7, .comm = "ergo", .container = "host", .unit = "irc.service"}};
  record.context.container = ContainerIdentity{};
  record.context.unit = SystemdUnit{.name = "web.service"};
  return record;
}

RecordGroup group_of(const Record& record, std::uint64_t count = 1) {
  return {.newest = stored_record(record, CommandArgs::off),
          .count = count,
          .first_ns = kNow.ns - 60'000'000'000,
          .last_ns = kNow.ns};
}

std::string page_of(const AskRecords& ask, const std::map<std::string, std::string>& parameters = {}) {
  PageFacts facts;
  facts.container_label = [](std::uint64_t) { return "host"; };
  return diagnoses_page(ask, facts, {.parameters = parameters}, kNow).body;
}

TEST(PageQuery, IsReadFromTheAddressAndWrittenAsOne) {
  const PageQuery asked = PageQuery::from({{"q", "web-1 &x"}, {"cause", "path_missing"}, {"since", "6h"}});
  EXPECT_EQ(asked.address(), "/?q=web-1%20%26x&cause=path_missing&since=6h");
  EXPECT_EQ(PageQuery::from({}).address(), "/");
  EXPECT_EQ(PageQuery::from({{"q", std::string(5000, 'x')}}).search.size(), PageQuery::kLongestText);
}

TEST(PageQuery, AsksForATime) {
  const auto since = [](const std::string& text) {
    const auto query = to_query(PageQuery::from({{"since", text}}), kNow);
    return query ? query->since_ns : -1;
  };
  EXPECT_EQ(since("15m"), kNow.ns - 900'000'000'000);
  EXPECT_EQ(since("7d"), kNow.ns - 7 * 86'400'000'000'000);
  EXPECT_EQ(since("2025-11-27T03:00:00Z"), kNow.ns);
  EXPECT_EQ(since("2025-11-27T03:00:00.5Z"), kNow.ns + 500'000'000);
  EXPECT_EQ(since("99999d"), 0) << "before there were clocks";
  for (const char* wrong :
       {"x", "1", "m", "-1m", "0h", "1y", "2025-11-27", "2025-11-27T03:00:00", "1m ", "2025-11-27T03:00:00.Z",
        "2025-11-27T03:00:00.1234567890Z", "9999-01-01T00:00:00Z"})
    EXPECT_EQ(since(wrong), -1) << wrong;
  EXPECT_FALSE(to_query(PageQuery::from({{"until", "yesterday"}}), kNow));
}

TEST(FailureCard, ShowsAGroupOnce) {
  const FailureCard card = card_of(group_of(failed(), 12));
  EXPECT_EQ(card.places, std::vector<std::string>{"web.service"});
  EXPECT_EQ(card.holder, "ergo[7] uid 0 of irc.service on the host");
  const std::string html = to_html(card, "/?q=x&since=y");
  EXPECT_THAT(html, HasSubstr("12 times since 2025-11-27T02:59:00.000Z"));
  EXPECT_THAT(html, HasSubstr("href=\"/?q=x&amp;since=y\""));
  EXPECT_THAT(html, HasSubstr("stop it"));
  EXPECT_THAT(to_html(card_of(group_of(failed())), ""), Not(HasSubstr("times since")));
}

TEST(FailureCard, NamesThePodOrTheContainer) {
  Record record = failed();
  record.context.unit.reset();
  record.context.container->runtime = "containerd";
  record.context.container->id = std::string(64, 'a');
  EXPECT_EQ(card_of(group_of(record)).places, std::vector<std::string>{"containerd:" + std::string(12, 'a')});
  record.context.container->pod_namespace = "shop";
  record.context.container->pod = "web-1";
  EXPECT_EQ(card_of(group_of(record)).places, std::vector<std::string>{"pod shop/web-1"});
}

TEST(FailureCard, OfADamagedRecordSaysSo) {
  for (const char* json :
       {"", "{", "[]", "7", R"({"attributes": 7})", R"({"attributes": {"sockward.evidence": 1}})"}) {
    RecordGroup group = group_of(failed());
    group.newest.json = json;
    EXPECT_FALSE(to_html(card_of(group), "").empty()) << json;
  }
}

TEST(WhatFailed, EscapesWhatProgramsWrote) {
  const auto ask = [](const Query& query) -> Result<Answer> {
    Answer answer;
    if (query.names)
      answer.names = {"\"><script>alert(1)</script>"};
    else
      answer.groups = {group_of(failed("/run/<script>alert(1)</script>"))};
    return answer;
  };
  const std::string html = page_of(ask, {{"q", "\"><script>x"}, {"cause", "<script>"}, {"since", "6h"}});
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)"));
}

TEST(WhatFailed, SaysThatNothingMatchesAndWhyItCannotAsk) {
  EXPECT_THAT(page_of([](const Query&) -> Result<Answer> { return Answer(); }), HasSubstr("Nothing failed"));
  EXPECT_THAT(page_of([](const Query&) -> Result<Answer> {
                return make_error(std::errc::io_error, "read /var/lib/sockward/records.db");
              }),
              HasSubstr("read /var/lib/sockward/records.db"));
  EXPECT_THAT(page_of([](const Query&) -> Result<Answer> { return Answer(); }, {{"since", "soon"}}),
              HasSubstr("neither a span"));
}

}  // namespace
}  // namespace sockward::test
