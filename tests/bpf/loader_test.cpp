// What the loader does when the kernel refuses something. These load the kernel side again and again, so they
// are a test program of their own.
#include <arpa/inet.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "base/startup_error.hpp"
#include "event/decode.hpp"
#include "host/containers/cgroups.hpp"
#include "probe/probe_set.hpp"
#include "probe/record_ring.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;

ProbeOptions options() {
  ProbeOptions result;
  const CgroupMounts mounts = find_cgroup_mounts();
  result.hierarchy = mounts.hierarchy;
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

bool can_cast() {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  return types && btf__find_by_name_kind(types.get(), "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

/// A refusal of that form would be seen in a log line only: the other one does the same, for more.
TEST(Loader, TheFormThatCastsIsLoadedWhereTheKernelCan) {
  const bool can = can_cast();
  EXPECT_EQ(ProbeSet::load(options())->casts(), can);
  ProbeOptions other_file = options();
  other_file.btf_path = "/sys/kernel/btf/vmlinux";
  EXPECT_FALSE(ProbeSet::load(other_file)->casts()) << "its numbers may be those of other functions";
  ProbeOptions spoiled = options();
  bool first = true;
  spoiled.before_load = [&](bpf_object* object) {
    if (std::exchange(first, false)) spoil(object, "connect_tp"), spoil(object, "connect_fexit");
  };
  const auto after = ProbeSet::load(spoiled);
  EXPECT_FALSE(after->casts());
  // Where there is one form only, the refusal was the operation's own.
  const Backend usual = status_of(ProbeSet::load(options())->probes(), "connect").backend;
  EXPECT_EQ(status_of(after->probes(), "connect").backend == usual, can);
}

TEST(Loader, ARefusedProgramSendsItsOperationToItsFallBackAndNoOther) {
  const auto whole = ProbeSet::load(options())->probes();
  const bool fexit = status_of(whole, "unlinkat").backend == Backend::fexit;
  ProbeOptions spoiled = options();
  spoiled.before_load = [&](bpf_object* object) { spoil(object, fexit ? "unlinkat_fexit" : "unlinkat_tp"); };
  const auto probes = ProbeSet::load(spoiled)->probes();
  const ProbeStatus unlinked = status_of(probes, "unlinkat");
  EXPECT_EQ(unlinked.backend, fexit ? Backend::tracepoint : Backend::none);
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
    EXPECT_THAT(error.what(), HasSubstr(can_cast() ? "mount_tp" : "unlinkat_tp"));
  }
  EXPECT_EQ(rounds, can_cast() ? 4u : 3u) << "one more of the form that casts";
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

class Reported final : public RecordHandler {
 public:
  void on_record(std::span<const std::byte> record) noexcept override {
    if (const auto event = decode(record)) all.emplace(event->syscall, event->error());
  }
  std::set<std::pair<Syscall, int>> all;
};

int connect_to(int fd, const void* address, std::size_t size) {
  return connect(fd, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) == 0 ? 0 : errno;
}

sockaddr_un unix_path(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

/// A listener without room for one more.
sockaddr_un full_server(int fd) {
  const sockaddr_un address = unix_path("/tmp/sockward-full-" + std::to_string(getpid()));
  unlink(address.sun_path);
  bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  listen(fd, 0);
  connect_to(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof(address));
  return address;
}

TEST(Loader, TheDefaultSetTellsWhatServersAndClientsFail) {
  ProbeOptions own = options();
  own.filter.only_tgid = static_cast<std::uint32_t>(getpid());
  const auto probes = ProbeSet::load(own);
  Reported reported;
  RecordRing ring(probes->take_rings(), reported);
  const sockaddr_un missing = unix_path("/missing/x"), below_a_file = unix_path("/proc/self/exe/x");
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un full = full_server(server);
  const auto unix_socket = [](int flags = 0) {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  };
  EXPECT_EQ(connect_to(unix_socket(), &missing, sizeof(missing)), ENOENT);
  EXPECT_EQ(connect_to(unix_socket(), &below_a_file, sizeof(below_a_file)), ENOTDIR);
  EXPECT_EQ(connect_to(unix_socket(SOCK_NONBLOCK), &full, sizeof(full)), EAGAIN);
  EXPECT_NE(bind(unix_socket(), reinterpret_cast<const sockaddr*>(&missing), sizeof(missing)), 0);
  sockaddr_in refused{};
  refused.sin_family = AF_INET;
  refused.sin_port = htons(1);
  refused.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect_to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &refused, sizeof(refused)),
            ECONNREFUSED);
  EXPECT_EQ(
      connect_to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), &refused, sizeof(refused)),
      EINPROGRESS);
  sockaddr_in6 somewhere{};
  somewhere.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "fe80::1", &somewhere.sin6_addr);
  const int inet6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool has_inet6 =
      inet6 >= 0 && bind(inet6, reinterpret_cast<const sockaddr*>(&somewhere), sizeof(somewhere)) != 0;
  EXPECT_EQ(connect_to(-1, &refused, sizeof(refused)), EBADF);
  EXPECT_EQ(connect_to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &refused, 1), EINVAL);
  EXPECT_NE(unlink("/missing/x"), 0);
  EXPECT_NE(unlink("/proc"), 0);  // a directory: EISDIR
  unlink(full.sun_path);
  close(server);
  (void)ring.poll(std::chrono::milliseconds(200));
  std::set<std::pair<Syscall, int>> expected = {{Syscall::connect, ENOENT},
                                                {Syscall::connect, ENOTDIR},
                                                {Syscall::connect, EAGAIN},
                                                {Syscall::bind, ENOENT},
                                                {Syscall::connect, ECONNREFUSED}};
  if (has_inet6) expected.emplace(Syscall::bind, EINVAL);
  EXPECT_EQ(reported.all, expected);
}

TEST(Loader, AMountedFileThatCannotBeRemovedIsTold) {
  ProbeOptions own = options();
  const auto probes = ProbeSet::load(own);
  Reported reported;
  RecordRing ring(probes->take_rings(), reported);
  const std::string file = "/tmp/sockward-mounted-" + std::to_string(getpid());
  close(open(file.c_str(), O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
  const pid_t child = fork();
  if (child == 0) {
    const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount(file.c_str(), file.c_str(), nullptr, MS_BIND, nullptr) == 0;
    _exit(mounted && unlink(file.c_str()) != 0 && errno == EBUSY ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  unlink(file.c_str());
  ASSERT_EQ(status, 0);
  (void)ring.poll(std::chrono::milliseconds(200));
  EXPECT_TRUE(reported.all.contains({Syscall::unlink, EBUSY}) ||
              reported.all.contains({Syscall::unlinkat, EBUSY}));
}

/// A socket with this abstract name (without its leading NUL).
int bound_abstract(const std::string& name) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bind(fd, reinterpret_cast<const sockaddr*>(&address),
       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size()));
  return fd;
}

BoundName abstract_name(const std::string& name) {
  struct stat netns {};
  stat("/proc/self/ns/net", &netns);
  return {.kind = BoundName::Kind::abstract,
          .netns = static_cast<NamespaceInode>(netns.st_ino),
          .address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = name}};
}

TEST(Loader, SocketsOlderThanTheAgentAreInTheNameTable) {
  const int fd = bound_abstract("sockward-older");
  const auto probes = ProbeSet::load(options());
  const auto owner = probes->binder(abstract_name("sockward-older"));
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->process.tgid, static_cast<std::uint32_t>(getpid()));
  EXPECT_GT(owner->binding.time.ns, 0u) << "when it was found";
  const KernelSnapshot snapshot = probes->snapshot();
  EXPECT_GT(snapshot.names_new, 0u);
  EXPECT_EQ(snapshot.names_evicted, 0u);
  close(fd);
  ASSERT_TRUE(probes->note_released());
  EXPECT_GT(probes->binder(abstract_name("sockward-older"))->binding.released.ns, owner->binding.time.ns);
}

TEST(Loader, TheyTakeHalfOfItAtMost) {
  ProbeOptions small = options();
  small.bound_names = 64;
  std::vector<int> sockets;
  for (int i = 0; i < 200; ++i) sockets.push_back(bound_abstract("sockward-many-" + std::to_string(i)));
  const auto probes = ProbeSet::load(small);
  std::size_t known = 0;
  for (int i = 0; i < 200; ++i)
    known += probes->binder(abstract_name("sockward-many-" + std::to_string(i))).has_value() ? 1 : 0;
  const KernelSnapshot snapshot = probes->snapshot();
  EXPECT_LE(snapshot.names_new - snapshot.names_evicted, 32u);
  EXPECT_GE(snapshot.names_evicted, 200u - 32u) << "the others are counted";
  EXPECT_GT(known, 0u);
  EXPECT_LE(known, 32u);
  for (const int fd : sockets) close(fd);
}

TEST(Loader, AnAdoptedNameTableIsLookedAtAsWell) {
  ProbeOptions kept = options();
  kept.pin_path = "/sys/fs/bpf/sockward-loader-" + std::to_string(getpid());
  kept.keep_on_stop = true;
  const std::string not_pinned = ProbeSet::load(kept)->not_pinned();
  if (!not_pinned.empty()) GTEST_SKIP() << not_pinned;
  const int fd = bound_abstract("sockward-between");
  {
    const auto probes = ProbeSet::load(kept);
    EXPECT_TRUE(probes->adopted());
    const BoundName name = abstract_name("sockward-between");
    ASSERT_TRUE(probes->binder(name));
    ASSERT_TRUE(probes->note_released());
    EXPECT_EQ(probes->binder(name)->binding.released.ns, 0u);
    close(fd);
    ASSERT_TRUE(probes->note_released());
    EXPECT_GT(probes->binder(name)->binding.released.ns, 0u);
  }
  ProbeSet::detach(kept.pin_path);
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
      return std::string(to_string(status_of(all, "bind").backend)) + " " + std::to_string(counted) +
             " sockets: " + status_of(all, "sockets").reason;
    } catch (const StartupError& error) {
      return std::string(error.what()) + "; " + error.next_step();
    }
  });
  EXPECT_THAT(said, HasSubstr("tracepoint 1 sockets: iterator: needs the kernel's own BTF"));
}

}  // namespace
}  // namespace sockward::test
