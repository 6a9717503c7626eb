// What the loader does when the kernel refuses something. These load the kernel side again and again, so they
// are a test program of their own.
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/startup_error.hpp"
#include "enrich/cgroups.hpp"
#include "probe/probe_set.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;

ProbeOptions options() {
  ProbeOptions result;
  const CgroupMounts mounts = find_cgroup_mounts();
  result.hierarchy = static_cast<CgroupHierarchy>(mounts.kind);
  result.cgroup2_root = mounts.v2_root;
  return result;
}

ProbeStatus status_of(const std::vector<ProbeStatus>& probes, const std::string& operation) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const auto& p) { return p.operation == operation; });
  return found == probes.end() ? ProbeStatus{} : *found;
}

/// Gives the program a type whose rules it breaks: the verifier refuses it.
void spoil(bpf_object* object, const char* name) {
  bpf_program* program = bpf_object__find_program_by_name(object, name);
  if (program != nullptr) bpf_program__set_type(program, BPF_PROG_TYPE_SOCKET_FILTER);
}

TEST(Loader, ARefusedProgramSendsItsOperationToItsFallBackAndNoOther) {
  const auto whole = ProbeSet::load(options())->probes();
  const bool fexit = status_of(whole, "unlinkat").backend == "fexit";
  ProbeOptions spoiled = options();
  spoiled.before_load = [&](bpf_object* object) { spoil(object, fexit ? "unlinkat_fexit" : "unlinkat_tp"); };
  const auto probes = ProbeSet::load(spoiled)->probes();
  const ProbeStatus unlinked = status_of(probes, "unlinkat");
  EXPECT_EQ(unlinked.backend, fexit ? "tracepoint" : "none");
  EXPECT_EQ(unlinked.attached, fexit);
  EXPECT_THAT(unlinked.reason, HasSubstr("refused at load"));
  for (const auto& probe : probes) {
    if (probe.operation != "unlinkat") {
      EXPECT_EQ(probe.backend, status_of(whole, probe.operation).backend) << probe.operation;
    }
  }
}

TEST(Loader, AfterThreeRefusalsItSaysSo) {
  const char* programs[] = {"unlinkat_tp", "listen_tp", "connect_tp", "mount_tp"};
  std::size_t rounds = 0;
  ProbeOptions spoiled = options();
  spoiled.backend = BackendChoice::tracepoint;
  spoiled.before_load = [&](bpf_object* object) { spoil(object, programs[rounds++ % 4]); };
  try {
    ProbeSet::load(spoiled);
    FAIL() << "it loaded";
  } catch (const StartupError& error) {
    EXPECT_THAT(error.what(), HasSubstr("refused the BPF programs 3 times"));
    EXPECT_THAT(error.what(), HasSubstr("connect_tp"));
  }
  EXPECT_EQ(rounds, 3u);
}

TEST(Loader, AnAttachmentThatIsRefusedWithoutAFallBackIsToldAndLeavesTheOthers) {
  ProbeOptions elsewhere = options();
  elsewhere.cgroup2_root = "/proc";  // no cgroup
  const auto probes = ProbeSet::load(elsewhere)->probes();
  EXPECT_FALSE(status_of(probes, "sysctl").attached);
  EXPECT_THAT(status_of(probes, "sysctl").reason, HasSubstr("attach to cgroup /proc"));
  EXPECT_TRUE(status_of(probes, "bind").attached);
  elsewhere.strict = true;
  EXPECT_THROW(ProbeSet::load(elsewhere), StartupError);
}

/// Runs `body` in a mount namespace where the kernel shows no BTF; `types`: a copy of it. Returns what it
/// said.
std::string without_kernel_types(const std::function<std::string(const std::string& types)>& body) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    const std::string types = "/tmp/sockward-btf-" + std::to_string(getpid());
    std::string said = "no mount namespace";
    if (unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
      std::filesystem::copy_file("/sys/kernel/btf/vmlinux", types);
      said = mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr) == 0 ? body(types) : "cannot hide it";
      std::filesystem::remove(types);
    }
    (void)!write(ends[1], said.data(), said.size());
    _exit(0);
  }
  close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t bytes = read(ends[0], said.data(), said.size());
  said.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return said;
}

TEST(Loader, WithoutTheKernelsTypesItSaysWhatToDo) {
  const std::string said = without_kernel_types([](const std::string&) -> std::string {
    try {
      ProbeSet::load(options());
      return "it loaded";
    } catch (const StartupError& error) {
      return std::string(error.what()) + "; " + error.next_step();
    }
  });
  EXPECT_THAT(said, HasSubstr("BTF"));
  EXPECT_THAT(said, HasSubstr("--btf.path"));
}

TEST(Loader, WithAFileOfThemTheTracepointsWork) {
  const std::string said = without_kernel_types([](const std::string& types) -> std::string {
    try {
      ProbeOptions with_file = options();
      with_file.btf_path = types;
      const auto probes = ProbeSet::load(with_file);
      bind(-1, nullptr, 0);
      const auto counted = probes->snapshot().of(Syscall::bind, Family::none)[EBADF];
      const auto all = probes->probes();
      return status_of(all, "bind").backend + " " + std::to_string(counted) +
             " sockets: " + status_of(all, "sockets").reason;
    } catch (const StartupError& error) {
      return std::string(error.what()) + "; " + error.next_step();
    }
  });
  EXPECT_THAT(said, HasSubstr("tracepoint 1 sockets: iterator: needs the kernel's own BTF"));
}

}  // namespace
}  // namespace sockward::test
