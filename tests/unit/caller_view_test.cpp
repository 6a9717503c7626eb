// Whose view of the file system a look-up gets: processes in a chroot of their own.
#include "host/paths/caller_view.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/proc_host.hpp"
#include "host/process/process_facts.hpp"
#include "unit/held_child.hpp"

namespace sockward {
namespace {

namespace fs = std::filesystem;

class CallerViewTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, for chroot";
    fs::create_directories(jail / "inside");
  }
  void TearDown() override { fs::remove_all(jail); }

  bool enter() const { return chroot(jail.c_str()) == 0 && chdir("/") == 0; }
  /// A call that this process would make now, as the kernel side would have written it down.
  static Event call_of(std::uint32_t tgid) {
    Event event;
    event.actor = *actor_from_proc("/proc", tgid);
    event.time = SystemClock().monotonic();
    return event;
  }
  PathTrace trace(const Event& event, const std::string& path) const {
    auto traced = host.paths.trace_path(event, path, true);
    EXPECT_TRUE(traced) << path;
    return traced ? *traced : PathTrace{};
  }

  const fs::path jail = fs::temp_directory_path() / ("sockward-jail-" + std::to_string(getpid()));
  const ProcHost proc{HostSources{}};
  const HostView host = proc.view();
};

TEST_F(CallerViewTest, IsThatOfTheCallerWhileItLives) {
  const test::HeldChild caller([&] { return enter(); });
  const PathTrace found = trace(call_of(caller.pid()), "/inside/x");
  EXPECT_TRUE(found.callers_view);
  EXPECT_FALSE(found.missing);
  EXPECT_FALSE(found.idmapped);
}

TEST_F(CallerViewTest, IsNotThatOfACallerThatHasChangedItsRoot) {
  const test::HeldChild caller([&] { return enter(); });
  Event before = call_of(caller.pid());
  before.actor.root_inode += 1'000'000'000;
  EXPECT_FALSE(trace(before, "/inside/x").callers_view);
  Event elsewhere = call_of(caller.pid());
  elsewhere.actor.mntns = 1;
  EXPECT_FALSE(trace(elsewhere, "/inside/x").callers_view);
}

TEST_F(CallerViewTest, IsOursWhenTheCallerHadOurRootAndLeftIt) {
  const Event own = call_of(0);
  const test::HeldChild caller([&] { return enter(); });
  Event before = call_of(caller.pid());
  before.actor.root_device = own.actor.root_device;
  before.actor.root_inode = own.actor.root_inode;
  const PathTrace found = trace(before, (jail / "inside/x").string());
  EXPECT_TRUE(found.callers_view);
  EXPECT_FALSE(found.missing);
}

TEST_F(CallerViewTest, IsThatOfASiblingWhenTheCallerIsGone) {
  test::HeldChild sibling([&] { return enter(); });
  usleep(20'000);  // start times have a resolution of 10 ms: it must be older than the call
  test::HeldChild caller([&] { return enter(); });
  Event event = call_of(caller.pid());
  event.time.ns += 20'000'000;
  caller.end();
  EXPECT_TRUE(trace(event, "/inside/x").callers_view);
  sibling.end();
  EXPECT_FALSE(host.paths.trace_path(event, "/inside/x", true));
}

TEST_F(CallerViewTest, ASiblingIsSearchedForOnceAndWithinTheBudget) {
  const test::HeldChild sibling([&] { return enter(); });
  test::HeldChild caller([&] { return enter(); });
  Event event = call_of(caller.pid());
  event.time.ns += 20'000'000;
  caller.end();
  const ProcessFolders processes("/proc");
  const SystemClock clock;
  CpuBudget limit(clock);
  const CallerViews views(processes, clock, limit), others(processes, clock, limit);
  EXPECT_TRUE(views.open(event)->exact);
  limit.ended({0});
  EXPECT_TRUE(views.open(event)->exact);
  const auto refused = others.open(event);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::resource_unavailable_try_again);
}

TEST_F(CallerViewTest, ASiblingThatIsYoungerThanTheCallProvesNothing) {
  test::HeldChild caller([&] { return enter(); });
  const Event event = call_of(caller.pid());
  usleep(20'000);
  const test::HeldChild sibling([&] { return enter(); });
  caller.end();
  EXPECT_FALSE(host.paths.trace_path(event, "/inside/x", true));
}

TEST_F(CallerViewTest, AMountPointIsFoundAlsoWhenItsSourceIsRemoved) {
  std::ofstream(jail / "source file") << "x";
  std::ofstream(jail / "point") << "y";
  const std::string source = jail / "source file", point = jail / "point";
  const test::HeldChild caller([&] {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount(source.c_str(), point.c_str(), nullptr, MS_BIND, nullptr) == 0;
  });
  ASSERT_TRUE(caller.prepared());
  const Event event = call_of(caller.pid());
  const auto mounted = host.paths.mount_at(event, point);
  ASSERT_TRUE(mounted);
  EXPECT_EQ(mounted->point, point);
  EXPECT_TRUE(mounted->root.ends_with("/source file"));
  EXPECT_FALSE(mounted->source_removed);
  unlink(source.c_str());
  EXPECT_TRUE(host.paths.mount_at(event, point)->source_removed);
  EXPECT_EQ(host.paths.trace_path(event, point, false)->object->object.links, 0u);
  EXPECT_NE(host.paths.mount_at(event, (jail / "inside").string())->point, (jail / "inside").string());
  EXPECT_FALSE(host.paths.mount_at(event, (jail / "nothing").string()));
  EXPECT_EQ(*host.processes.mount_namespace({.tgid = caller.pid()}), event.actor.mntns);
}

}  // namespace
}  // namespace sockward
