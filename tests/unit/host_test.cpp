#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/containers/cgroups.hpp"
#include "host/containers/container_path.hpp"
#include "host/cpu_budget.hpp"
#include "host/process/proc_processes.hpp"
#include "host/process/proc_text.hpp"

namespace sockward {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kInner = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

struct PathCase {
  std::string path, label, pod_uid;
};

TEST(ContainerFromCgroup, KnowsTheRuntimes) {
  const std::string pod = "a1b2c3d4-0000-1111-2222-333344445555",
                    pod_unit = "a1b2c3d4_0000_1111_2222_333344445555";
  const PathCase cases[] = {
      {"/", "host", ""},
      {"", "host", ""},
      {"/system.slice/nginx.service", "host", ""},
      {"/user.slice/user-1000.slice/session-2.scope", "host", ""},
      {"/docker/" + kId, "docker:0123456789ab", ""},
      {"/system.slice/docker-" + kId + ".scope", "docker:0123456789ab", ""},
      {"/system.slice/docker-" + kId + ".scope/inner", "docker:0123456789ab", ""},
      {"/machine.slice/libpod-" + kId + ".scope", "podman:0123456789ab", ""},
      {"/machine.slice/libpod-" + kId + ".scope/container", "podman:0123456789ab", ""},
      {"/libpod_parent/libpod-" + kId, "podman:0123456789ab", ""},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", "host", ""},
      {"/kubepods/besteffort/pod" + pod + "/" + kId, "containerd:0123456789ab", pod},
      {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + pod_unit +
           ".slice/cri-containerd-" + kId + ".scope",
       "containerd:0123456789ab", pod},
      {"/kubepods.slice/kubepods-pod" + pod_unit + ".slice/crio-" + kId + ".scope", "crio:0123456789ab", pod},
      {"/kubepods.slice/kubepods-pod" + pod_unit + ".slice/crio-conmon-" + kId + ".scope", "host", ""},
      {"/system.slice/containerd.service/kubepods-besteffort-pod" + pod_unit + ".slice:cri-containerd:" + kId,
       "containerd:0123456789ab", pod},
      {"/system.slice/nerdctl-" + kId + ".scope", "containerd:0123456789ab", ""},
      {"/lxc.payload.irc", "lxc:irc", ""},
      {"/lxc.payload.irc/system.slice/ergo.service", "lxc:irc", ""},
      {"/lxc/irc", "lxc:irc", ""},
      {"/lxc.monitor.irc", "host", ""},
      {"/lxc.payload.project_web-1", "lxc:project_web-1", ""},
      {"/machine.slice/systemd-nspawn@my\\x2dbox.service/payload", "nspawn:my-box", ""},
      {"/machine.slice/machine-my\\x2dbox.scope", "nspawn:my-box", ""},
      {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "qemu:qemu-1-vm", ""},
      {"/docker/" + kId + "/kubelet/kubepods/pod" + pod + "/" + kInner, "containerd:fedcba987654", pod},
      {"/lxc.payload.outer/system.slice/docker-" + kId + ".scope", "docker:0123456789ab", ""},
      {"/default/" + kId, "containerd:0123456789ab", ""},
      {"/k8s.io/" + kId, "containerd:0123456789ab", ""},
      {"/of-cgroup-parent/" + kId, "docker:0123456789ab", ""},
      {"/docker/not-an-id", "host", ""},
      {"/system.slice/docker-" + kId.substr(1) + ".scope", "host", ""}};
  for (const auto& c : cases) {
    const ContainerIdentity found = container_from_cgroup(c.path);
    EXPECT_EQ(found.label(), c.label) << c.path;
    EXPECT_EQ(found.pod_uid, c.pod_uid) << c.path;
  }
}

TEST(ContainerLabel, IsPrintableAndBounded) {
  const ContainerIdentity hostile{.runtime = "lxc", .name = std::string("a\xff\n") + std::string(300, 'x')};
  const std::string label = hostile.label();
  EXPECT_TRUE(label.starts_with("lxc:a\\xff\\x0ax"));
  EXPECT_EQ(label.size(), 200u);
}

TEST(CgroupMountsChoice, FollowsTheControllers) {
  const std::string hybrid =
      "30 1 0:26 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n"
      "31 1 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "32 1 0:28 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 none rw\n";
  const CgroupMounts pids = choose_hierarchy(hybrid, "hugetlb\n");
  EXPECT_EQ(pids.hierarchy, CgroupHierarchy::v1_pids);
  EXPECT_EQ(pids.root, "/sys/fs/cgroup/pids");
  EXPECT_EQ(pids.v2_root, "/sys/fs/cgroup/uni fied");
  EXPECT_EQ(pids.controller(), "pids");
  const CgroupMounts v2 =
      choose_hierarchy("32 1 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n", "cpu memory pids\n");
  EXPECT_EQ(v2.hierarchy, CgroupHierarchy::v2);
  EXPECT_EQ(v2.root, "/sys/fs/cgroup");
  EXPECT_EQ(choose_hierarchy("31 1 0:27 / /m rw - cgroup cgroup rw,memory\n", "").hierarchy,
            CgroupHierarchy::v1_memory);
  EXPECT_EQ(choose_hierarchy("broken line\n\n - - -\n", "").root, "");
}

TEST(ProcText, FindsTheStartTimeBehindAnyCommand) {
  EXPECT_EQ(start_ticks_of("1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 42 100 200"), 42u);
  EXPECT_EQ(start_ticks_of("1 (a) b) (c\n) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 43 100 200"), 43u);
  for (const char* wrong : {"", "1 (x", "1 (x) S", "1 (x) S 0 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0",
                            "1 (x) S 0 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 x"})
    EXPECT_FALSE(start_ticks_of(wrong)) << wrong;
}

TEST(ProcText, FindsTheCgroupOfAController) {
  const char* text = "12:cpu,cpuacct:/a\n9:pids:/docker/x:y\n1:name=systemd:/s\n0::/v2\n";
  EXPECT_EQ(cgroup_of(text, "pids"), "/docker/x:y");
  EXPECT_EQ(cgroup_of(text, "cpuacct"), "/a");
  EXPECT_EQ(cgroup_of(text, ""), "/v2");
  EXPECT_FALSE(cgroup_of(text, "memory"));
  EXPECT_FALSE(cgroup_of("garbage\n:\n", ""));
}

TEST(ProcProcesses, SeeThisProcessAndNoOtherWithItsPid) {
  const ProcessFolders folders("/proc");
  const ProcProcesses processes(folders, "", "", nullptr);
  const auto pid = static_cast<std::uint32_t>(getpid());
  const auto arguments = processes.arguments({.tgid = pid});
  ASSERT_TRUE(arguments);
  EXPECT_FALSE(arguments->empty());
  EXPECT_EQ(*processes.executable({.tgid = pid}), std::filesystem::read_symlink("/proc/self/exe").string());
  const auto reused = processes.arguments({.tgid = pid, .start_ns = 1});
  ASSERT_FALSE(reused);
  EXPECT_NE(reused.error().text().find("another process by now"), std::string::npos);
  EXPECT_FALSE(processes.executable({.tgid = 4'000'000'000u}));
  EXPECT_FALSE(processes.uts_names(1));
}

TEST(ProcProcesses, SurviveAProcFolderThatVanishesInPart) {
  const auto root = std::filesystem::temp_directory_path() / ("sockward-proc-" + std::to_string(getpid()));
  std::filesystem::create_directories(root / "7");
  const ProcessFolders folders(root.string());
  const ProcProcesses processes(folders, "pids", "", nullptr);
  EXPECT_FALSE(processes.cgroup_path({.tgid = 7}));
  EXPECT_FALSE(processes.arguments({.tgid = 7, .start_ns = 5}));
  std::ofstream(root / "7/cgroup") << "9:pids:/lxc.payload.irc\n";
  EXPECT_EQ(*processes.cgroup_path({.tgid = 7}), "/lxc.payload.irc");
  std::filesystem::remove_all(root);
}

TEST(ProcProcesses, TakeCredentialsFromTheRecordIfItHasAllGroups) {
  const ProcessFolders folders("/proc");
  const ProcProcesses processes(folders, "", "", nullptr);
  Event event{.actor = {.tgid = 4'000'000'000u, .fsuid = 7, .fsgid = 8, .groups = {{5, 6}}}};
  const auto recorded = processes.credentials(event);
  ASSERT_TRUE(recorded);
  EXPECT_EQ(recorded->fsuid, 7u);
  EXPECT_EQ(recorded->fsgid, 8u);
  EXPECT_EQ(recorded->groups, (std::vector<std::uint32_t>{5, 6}));
  event.actor.groups_truncated = true;
  EXPECT_FALSE(processes.credentials(event));
}

TEST(CpuBudget, ALookUpThatItRefusesSaysSo) {
  const Error refused = budget_exhausted("scan open sockets");
  EXPECT_EQ(refused.code, std::errc::resource_unavailable_try_again);
  EXPECT_EQ(refused.text(), "scan open sockets: skipped, CPU budget (10 %) exhausted");
}

TEST(ProcStatus, GivesFileSystemIdsAndGroups) {
  const auto found = credentials_of("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t10 20 \n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->fsuid, 4u);
  EXPECT_EQ(found->fsgid, 8u);
  EXPECT_EQ(found->groups, (std::vector<std::uint32_t>{10, 20}));
  EXPECT_FALSE(credentials_of("Uid:\t1\n"));
  EXPECT_FALSE(credentials_of(""));
}

}  // namespace
}  // namespace sockward
