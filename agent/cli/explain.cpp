// sockward explain: would this call work, as whom, and if not why? Asks, and takes no name.
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "cli/wanted_address.hpp"
#include "diagnose/engine.hpp"
#include "diagnose/foresight.hpp"
#include "diagnose/permissions.hpp"
#include "enrich/cgroups.hpp"
#include "enrich/in_namespace.hpp"
#include "enrich/proc_host.hpp"
#include "enrich/proc_sockets.hpp"
#include "enrich/proc_uts.hpp"
#include "enrich/process_facts.hpp"
#include "terminal/terminal_text.hpp"

namespace sockward {
namespace {

constexpr std::uint64_t kEveryCapability = (1ULL << 41) - 1;

struct User {
  std::uint32_t uid = 0;
  Credentials credentials;
};

User find_user(const std::string& name) {
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool numeric = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
  // No other thread runs yet.
  const passwd* entry = numeric ? getpwuid(number) : getpwnam(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (entry == nullptr && numeric) return {number, {.fsuid = number, .fsgid = number, .groups = {}}};
  if (entry == nullptr)
    throw usage_error("--user: there is no user " + printable(name).text, "see getent passwd");
  User user{entry->pw_uid, {.fsuid = entry->pw_uid, .fsgid = entry->pw_gid, .groups = {}}};
  int count = 256;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) >= 0)
    user.credentials.groups.assign(groups.begin(), groups.begin() + count);
  return user;
}

std::string process_folder(unsigned pid) {
  return pid == 0 ? "/proc/self" : "/proc/" + std::to_string(pid);
}

/// net.ipv4.ip_unprivileged_port_start of the process's network namespace.
std::uint16_t unprivileged_port_start(int netns) {
  const auto start = in_namespace<int>(netns, CLONE_NEWNET, []() -> Result<int> {
    int value = 1024;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> value;
    return value;
  });
  return static_cast<std::uint16_t>(start ? *start : 1024);
}

/// The user namespace that owns a network namespace (ioctl_ns(2)).
NamespaceInode owner_of(int netns) {
  const FileDescriptor owner(ioctl(netns, NS_GET_USERNS));
  struct stat status {};
  return owner.valid() && fstat(owner.get(), &status) == 0 ? static_cast<NamespaceInode>(status.st_ino) : 0;
}

void fill_directory(SocketCall& call, const std::string& folder) {
  if (call.directory.state == Directory::State::absolute) return;
  char path[4096];
  const ssize_t bytes = readlink((folder + "/cwd").c_str(), path, sizeof(path));
  if (bytes <= 0) return;
  call.directory = {.state = Directory::State::known,
                    .path = std::string(path, static_cast<std::size_t>(bytes))};
}

/// The call as the kernel side would have written it down.
Event describe_attempt(const ExplainFlags& flags) {
  SocketCall call = parse_wanted_address(flags.address);
  auto actor = actor_from_proc("/proc", flags.pid);
  if (!actor)
    throw failure(fmt::format("--pid {}: {}", flags.pid, actor.error().text()),
                  "check that it runs, and that /proc shows it (hidepid, pid namespaces)");
  const std::string folder = process_folder(flags.pid);
  const FileDescriptor netns(open((folder + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid())
    throw failure(last_error("open " + folder + "/ns/net").text(),
                  "run it as root: other users' processes are not visible otherwise");
  call.socket_netns = actor->netns;
  call.owner_userns = owner_of(netns.get());
  call.port_start = unprivileged_port_start(netns.get());
  fill_directory(call, folder);
  if (!flags.user.empty()) {
    const User user = find_user(flags.user);
    actor->uid = user.uid;
    actor->fsuid = user.credentials.fsuid;
    actor->cap_effective = user.uid == 0 ? kEveryCapability : 0;
  }
  Event event{.actor = std::move(*actor),
              .syscall = flags.connect ? Syscall::connect : Syscall::bind,
              .call = std::move(call)};
  return event;
}

std::string actor_text(const Event& event, const ExplainFlags& flags) {
  std::string text = fmt::format("uid {}", event.actor.uid);
  if (flags.pid != 0)
    text += fmt::format(" in the place of {}[{}]", printable(event.actor.comm).text, event.actor.tgid);
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

}  // namespace

int explain_command(const ExplainFlags& flags) {
  Event event = describe_attempt(flags);
  const CgroupMounts mounts = find_cgroup_mounts();
  const ProcSockets sockets("/proc");
  const ProcUts uts("/proc");
  ProcHost host("/proc", mounts.controller(), &uts, &sockets, mounts.v2_root, SocketList::kUnbounded);
  if (!flags.user.empty()) host.assume(find_user(flags.user).credentials);
  event.time = SystemClock().monotonic();  // after the first walk: what that met was there before
  const Foresight foresight = foresee(event, host);
  const auto& call = std::get<SocketCall>(event.call);
  const auto address = address_text(call.address);
  const std::string subject = fmt::format("{} of {} as {}", to_string(event.syscall),
                                          address ? address->text : "?", actor_text(event, flags));
  const TerminalStyle style = terminal_style(STDOUT_FILENO);
  const std::string looked = to_terminal_section("looked", joined(foresight.because), style);
  if (!foresight.error || *foresight.error == 0) {
    const char* outcome = foresight.error ? "would work" : "nothing on this host speaks against it";
    std::puts((subject + ": " + outcome + looked).c_str());
    return 0;
  }
  event.result = -*foresight.error;
  const char* meaning = strerrordesc_np(*foresight.error);
  std::string text =
      fmt::format("{}: would fail with {} ({}){}", subject, errno_name(*foresight.error).value_or("an error"),
                  meaning == nullptr ? "unknown" : meaning, looked);
  if (const Diagnosis found = Engine(host, 0).diagnose(event); found.cause != Cause::unknown)
    text += to_terminal(found, style);
  std::puts(text.c_str());
  return 1;
}

}  // namespace sockward
