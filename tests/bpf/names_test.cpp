// Host names, always in a UTS namespace of the test's own.
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "bpf/kernel_fixture.hpp"

namespace sockward::test {
namespace {

class Names : public Kernel {
 protected:
  /// The name event of a child number `index`, in order.
  std::optional<Event> name_event(std::uint32_t child, std::size_t index = 0) {
    std::vector<Event> found;
    kernel->wait_for([&](const Event& event) {
      if (event.actor.tgid == child && std::holds_alternative<NameCall>(event.call)) found.push_back(event);
      return found.size() > index;
    });
    return index < found.size() ? std::optional(found[index]) : std::nullopt;
  }
};

bool fresh_namespace(const char* name) {
  return unshare(CLONE_NEWUTS) == 0 && sethostname(name, strlen(name)) == 0;
}

bool write_name(const char* file, const std::string& text, off_t offset = 0) {
  const int fd = open(file, O_WRONLY);
  return pwrite(fd, text.data(), text.size(), offset) == static_cast<ssize_t>(text.size());
}

TEST_F(Names, SethostnameHasTheNamesBeforeAndAfter) {
  const std::uint32_t child =
      in_child([] { return fresh_namespace("first") && sethostname("second", 6) == 0; });
  const auto event = name_event(child, 1);
  ASSERT_TRUE(event);
  const auto& call = std::get<NameCall>(event->call);
  EXPECT_EQ(call.old_name, "first");
  EXPECT_EQ(call.new_name, "second");
  EXPECT_EQ(call.asked_length, 6);
  EXPECT_FALSE(call.domain);
  EXPECT_FALSE(call.old_at_exit);
  EXPECT_EQ(event->via, Via::syscall);
}

TEST_F(Names, SetdomainnameIsTheOtherField) {
  const std::uint32_t child =
      in_child([] { return unshare(CLONE_NEWUTS) == 0 && setdomainname("example.org", 11) == 0; });
  const auto event = name_event(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->syscall, Syscall::setdomainname);
  EXPECT_TRUE(std::get<NameCall>(event->call).domain);
  EXPECT_EQ(std::get<NameCall>(event->call).new_name, "example.org");
}

TEST_F(Names, SettingTheSameNameIsNoChange) {
  const KernelSnapshot before = kernel->probes().snapshot();
  std::uint32_t child = 0;
  const auto changes = [](const KernelSnapshot& now) {
    return now.hostname_changes.container.by(Via::syscall).hostname;
  };
  const std::uint64_t changed = growth(changes, 2, [&] {
    child = in_child(
        [] { return fresh_namespace("same") && sethostname("same", 4) == 0 && sethostname("end", 3) == 0; });
  });
  EXPECT_EQ(changed, 2u);
  const auto second = name_event(child, 1);
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<NameCall>(second->call).new_name, "end");
  const KernelSnapshot after = kernel->probes().snapshot();
  EXPECT_EQ(after.hostname_changes.host, before.hostname_changes.host)
      << "the host's own name was not touched";
}

TEST_F(Names, FailuresKeepTheNameAndShowWhatWasAsked) {
  const std::uint32_t child = in_child([] {
    char wanted[70] = "wanted";
    return fresh_namespace("kept") && setgroups(0, nullptr) == 0 && setresuid(65534, 65534, 65534) == 0 &&
           sethostname(wanted, 6) != 0 && errno == EPERM;
  });
  const auto event = name_event(child, 1);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->error(), EPERM);
  const auto& call = std::get<NameCall>(event->call);
  EXPECT_EQ(call.old_name, "kept");
  EXPECT_EQ(call.new_name, "kept");
  EXPECT_EQ(call.asked, "wanted");
}

TEST_F(Names, AnUnreadableNameIsUnknownAndNotEmpty) {
  const std::uint32_t child =
      in_child([] { return unshare(CLONE_NEWUTS) == 0 && syscall(SYS_sethostname, 0x1000, 5) != 0; });
  const auto event = name_event(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<NameCall>(event->call).asked, std::nullopt);
}

TEST_F(Names, AnExitWithoutItsEntryDoesNotTakeAnotherCallsName) {
  const std::uint32_t child = in_child([] {
    if (!fresh_namespace("before")) return false;
    const sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sethostname, 0, 1),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTRECOVERABLE),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog filter{4, const_cast<sock_filter*>(program)};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0 && sethostname("filtered", 8) != 0;
  });
  ASSERT_NE(child, 0u);
  bool seccomp_seen = false;
  for (const auto& coverage : kernel->probes().coverage())
    seccomp_seen |= coverage.route == "seccomp_denied" && coverage.seen;
  const auto event = name_event(child, 1);
  ASSERT_EQ(event.has_value(), seccomp_seen);
  if (!event) return;
  EXPECT_EQ(event->error(), ENOTRECOVERABLE);
  EXPECT_TRUE(std::get<NameCall>(event->call).old_at_exit);
  EXPECT_EQ(std::get<NameCall>(event->call).old_name, "before");
}

struct SysctlCase {
  std::string name, written;
  off_t offset;
  std::string result;
};

class SysctlWrites : public Names, public ::testing::WithParamInterface<SysctlCase> {};

TEST_P(SysctlWrites, AreComputedAsTheKernelDoesThem) {
  const SysctlCase& c = GetParam();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::uint32_t child = in_child([&] {
    char now[70] = "";
    return fresh_namespace("original") && write_name("/proc/sys/kernel/hostname", c.written, c.offset) &&
           gethostname(now, sizeof(now)) == 0 && write(ends[1], now, sizeof(now)) == sizeof(now);
  });
  ASSERT_NE(child, 0u);
  char truth[70] = "";
  ASSERT_EQ(read(ends[0], truth, sizeof(truth)), static_cast<ssize_t>(sizeof(truth)));
  EXPECT_EQ(std::string(truth), c.result) << "what this kernel really did";
  const auto event = name_event(child, 1);
  if (c.result == "original") {
    EXPECT_FALSE(event) << "nothing changed";
    return;
  }
  ASSERT_TRUE(event);
  EXPECT_EQ(event->via, Via::sysctl);
  EXPECT_EQ(std::get<NameCall>(event->call).old_name, "original");
  EXPECT_EQ(std::get<NameCall>(event->call).new_name, truth);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SysctlWrites,
    ::testing::Values(SysctlCase{"plain", "new-name\n", 0, "new-name"},
                      SysctlCase{"no_newline", "bare", 0, "bare"}, SysctlCase{"shorter", "x\n", 0, "x"},
                      SysctlCase{"middle", "XY", 3, "oriXY"}, SysctlCase{"append", "-2\n", 8, "original-2"},
                      SysctlCase{"behind_the_end", "Z", 20, "original"},
                      SysctlCase{"two_lines", "one\ntwo\n", 0, "one"},
                      SysctlCase{"same", "original\n", 0, "original"},
                      SysctlCase{"nul_inside", std::string("nu\0l", 4), 0, "nu"},
                      SysctlCase{"eighty", std::string(80, 'e'), 0, std::string(64, 'e')},
                      SysctlCase{"two_hundred", std::string(200, 'f'), 0, std::string(64, 'f')}),
    [](const auto& test) { return test.param.name; });

TEST_F(Names, TheDomainNameThroughSysctlIsSeenToo) {
  const std::uint32_t child = in_child(
      [] { return unshare(CLONE_NEWUTS) == 0 && write_name("/proc/sys/kernel/domainname", "d.example\n"); });
  const auto event = name_event(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->syscall, Syscall::setdomainname);
  EXPECT_EQ(event->via, Via::sysctl);
  EXPECT_EQ(std::get<NameCall>(event->call).new_name, "d.example");
}

TEST_F(Names, TheIteratorReadsEveryNamespacesNames) {
  int ready[2], done[2];
  ASSERT_TRUE(pipe(ready) == 0 && pipe(done) == 0);
  const pid_t child = fork();
  if (child == 0) {
    char c = 0;
    const bool ok = fresh_namespace("seen-by-iterator") && setdomainname("dom", 3) == 0;
    (void)!write(ready[1], ok ? "1" : "0", 1);
    (void)!read(done[0], &c, 1);
    _exit(0);
  }
  char ok = 0;
  ASSERT_EQ(read(ready[0], &ok, 1), 1);
  struct stat status {};
  ASSERT_EQ(stat(("/proc/" + std::to_string(child) + "/ns/uts").c_str(), &status), 0);
  const auto namespaces = kernel->probes().read();
  ASSERT_EQ(write(done[1], "x", 1), 1);
  ASSERT_TRUE(namespaces);
  const auto found = std::find_if(namespaces->begin(), namespaces->end(),
                                  [&](const auto& n) { return n.inode == status.st_ino; });
  ASSERT_NE(found, namespaces->end());
  EXPECT_EQ(found->hostname, "seen-by-iterator");
  EXPECT_EQ(found->domainname, "dom");
  EXPECT_EQ(found->first_tgid, static_cast<std::uint32_t>(child));
  EXPECT_EQ(found->members, 1u);
}

}  // namespace
}  // namespace sockward::test
