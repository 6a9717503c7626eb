#include "prometheus/metrics_page.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "prometheus/catalogue.hpp"
#include "record/cause.hpp"
#include "support/fake_kernel.hpp"

namespace sockward::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

class OneUtsNamespace final : public UtsNames {
 public:
  Result<std::vector<UtsNamespace>> read() const override { return std::vector<UtsNamespace>(1); }
};

class Page : public ::testing::Test {
 protected:
  FakeKernel kernel;
  OneUtsNamespace uts;
  AgentStats agent;
  DiagnosisCounts diagnoses{10}, host_renames{10};
  SystemClock clock;
  DeliveryCounts alerts, file, kubernetes;
  StoreStats store;
  QueryStats queries;
  MetricsPage page{{.kernel = kernel,
                    .uts = uts,
                    .agent = agent,
                    .diagnoses = diagnoses,
                    .host_renames = host_renames,
                    .clock = clock,
                    .notifications = alerts,
                    .sinks = {{"file", &file}, {"kubernetes", &kubernetes}},
                    .store = store,
                    .queries = queries,
                    .web_config_good = [] { return true; },
                    .container_label = [](std::uint64_t) { return std::nullopt; },
                    .container_exists = [](std::uint64_t) { return true; }},
                   {.version = "1", .revision = "2", .bpf_statistics = true}};
};

TEST_F(Page, HasEveryMetricOfTheCatalogueOnce) {
  std::vector<std::string> shown, known;
  std::istringstream lines(page.render());
  for (std::string line; std::getline(lines, line);)
    if (std::istringstream words(line); line.starts_with("# TYPE ")) {
      std::string mark, type, name;
      words >> mark >> type >> name;
      shown.push_back(name);
    }
  for (const auto& metric : metric_catalogue()) known.emplace_back(metric.name);
  EXPECT_THAT(shown, UnorderedElementsAreArray(known));
  EXPECT_EQ(std::set(known.begin(), known.end()).size(), known.size()) << "no name twice";
}

TEST_F(Page, TakesOneSnapshotOfTheKernelsCounters) {
  page.render();
  EXPECT_THAT(kernel.reads, ElementsAre("failures_by_source", "retired", "snapshot"));
}

TEST_F(Page, EveryCauseStartsAtZeroForTheCallsThatItExplains) {
  const std::string text = page.render();
  for (const Cause cause : all_causes())
    for (const Syscall syscall : calls_explained_by(cause))
      EXPECT_THAT(text, HasSubstr(fmt::format("\nsockward_diagnoses_total{{cause=\"{}\",syscall=\"{}\","
                                              "container_name=\"host\"}} 0\n",
                                              to_string(cause), to_string(syscall))));
}

TEST_F(Page, TellsScopeRouteAndFieldOfChangedNamesApart) {
  auto& changes = kernel.others.hostname_changes;
  changes.container.by(Via::syscall) = {.hostname = 1, .domainname = 2};
  changes.container.by(Via::sysctl) = {.hostname = 3, .domainname = 4};
  changes.container.by(Via::compat) = {.hostname = 5, .domainname = 6};
  changes.host.by(Via::sysctl).domainname = 7;
  const std::string text = page.render();
  for (const char* series : {"{scope=\"container\",route=\"sethostname\",field=\"hostname\"} 1\n",
                             "{scope=\"container\",route=\"setdomainname\",field=\"domainname\"} 2\n",
                             "{scope=\"container\",route=\"sysctl\",field=\"hostname\"} 3\n",
                             "{scope=\"container\",route=\"sysctl\",field=\"domainname\"} 4\n",
                             "{scope=\"container\",route=\"compat\",field=\"hostname\"} 5\n",
                             "{scope=\"container\",route=\"compat\",field=\"domainname\"} 6\n",
                             "{scope=\"host\",route=\"sysctl\",field=\"hostname\"} 0\n",
                             "{scope=\"host\",route=\"sysctl\",field=\"domainname\"} 7\n"})
    EXPECT_THAT(text, HasSubstr("\nsockward_hostname_changes_total" + std::string(series)));
}

TEST_F(Page, TellsMissedCallsFromMissedRuns) {
  const std::string text = page.render();
  EXPECT_THAT(text, HasSubstr("\nsockward_missed_calls_total{program=\"bind_tp\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nsockward_missed_runs_total{program=\"sock_release\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("\nsockward_bpf_run_seconds_total{program=\"bind_tp\"} 1.5\n"));
}

}  // namespace
}  // namespace sockward::test
