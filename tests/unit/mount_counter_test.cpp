#include "host/paths/mount_counter.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/held_child.hpp"

namespace sockward {
namespace {

/// Another value each time it is asked.
class CountingEvents final : public MountEvents {
 public:
  Result<std::optional<std::uint64_t>> mount_event(NamespaceInode) const override {
    return std::optional<std::uint64_t>(++asked);
  }
  mutable std::uint64_t asked = 0;
};

NamespaceInode own_mount_namespace() {
  struct stat status {};
  EXPECT_EQ(stat("/proc/self/ns/mnt", &status), 0);
  return static_cast<NamespaceInode>(status.st_ino);
}

TEST(MountCounter, WithoutTheKernelSideNothingIsKnown) {
  const SystemClock clock;
  CpuBudget limit(clock);
  const auto read = MountCounter("/proc", nullptr, clock, limit).read(own_mount_namespace());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, std::errc::function_not_supported);
}

TEST(MountCounter, ReadsForeignNamespacesEachTimeWithinTheBudget) {
  const SystemClock clock;
  const CountingEvents events;
  CpuBudget limit(clock);
  const MountCounter counter("/proc", &events, clock, limit);
  EXPECT_EQ(**counter.read(1), 1u);
  EXPECT_EQ(**counter.read(1), 2u);
  CpuBudget exhausted(clock, 0);
  const auto refused = MountCounter("/proc", &events, clock, exhausted).read(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::resource_unavailable_try_again);
}

// In a child with a mount namespace of its own, where nobody else mounts.
TEST(MountCounter, OursIsReadAgainOnlyAfterAChange) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, for a mount namespace";
  const test::HeldChild child([] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return false;
    const SystemClock clock;
    const CountingEvents events;
    CpuBudget limit(clock);
    const MountCounter counter("/proc", &events, clock, limit);
    const NamespaceInode own = own_mount_namespace();
    const bool kept = **counter.read(own) == 1 && **counter.read(own) == 1;
    if (!kept || mount("none", "/tmp", "tmpfs", 0, nullptr) != 0) return false;
    return **counter.read(own) == 2 && **counter.read(own) == 2;
  });
  EXPECT_TRUE(child.prepared());
}

}  // namespace
}  // namespace sockward
