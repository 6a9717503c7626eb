#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/containers/cgroups.hpp"
#include "support/builders.hpp"

namespace sockward {
namespace {

/// A cgroup that exists until it is removed.
struct Cgroup {
  explicit Cgroup(const std::string& at) : path(at) {
    EXPECT_EQ(mkdir(path.c_str(), 0755), 0);
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0);
    key = status.st_ino;
  }
  std::string path;
  std::uint64_t key = 0;
};

TEST(ContainerDirectory, ForgetsTheLongestUnaskedFirst) {
  const CgroupMounts mounts = find_cgroup_mounts();
  const sockward::test::FakeHost host;
  ContainerDirectory directory(mounts, host, 6);  // 3 and 3
  std::vector<Cgroup> cgroups;
  for (int i = 0; i < 7; ++i)
    cgroups.emplace_back(mounts.root + "/sockward-directory-" + std::to_string(getpid()) + "-" +
                         std::to_string(i));
  const auto known = [&](std::size_t i) { return directory.find(cgroups[i].key).has_value(); };
  for (std::size_t i = 0; i < 6; ++i) EXPECT_TRUE(known(i));
  EXPECT_TRUE(known(0)) << "of the previous half: it comes to the new one";
  EXPECT_TRUE(known(6));
  for (const Cgroup& cgroup : cgroups) EXPECT_EQ(rmdir(cgroup.path.c_str()), 0);
  // Gone from the host: found are only those that are remembered.
  for (const std::size_t i : {6, 0, 5}) EXPECT_TRUE(known(i)) << i;
  for (const std::size_t i : {1, 2}) EXPECT_FALSE(known(i)) << i;
}

TEST(ContainerDirectory, KnowsTheUnitOfAServiceThatHasEndedMeanwhile) {
  const CgroupMounts mounts = find_cgroup_mounts();
  const sockward::test::FakeHost host;
  ContainerDirectory directory(mounts, host);
  const std::string name = "sockward-ended-" + std::to_string(getpid());
  const Cgroup slice(mounts.root + "/" + name + ".slice");
  const Cgroup noted(slice.path + "/" + name + ".service"), unseen(slice.path + "/unseen.service");
  directory.note(noted.key);
  for (const Cgroup* cgroup : {&noted, &unseen, &slice}) EXPECT_EQ(rmdir(cgroup->path.c_str()), 0);
  const auto known = directory.find(noted.key);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->cgroup_path, "/" + name + ".slice/" + name + ".service");
  ASSERT_TRUE(known->unit);
  EXPECT_EQ(known->unit->name, name + ".service");
  EXPECT_FALSE(directory.find(unseen.key));
}

}  // namespace
}  // namespace sockward
