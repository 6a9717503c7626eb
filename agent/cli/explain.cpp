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
#include <mutex>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "cli/wanted_address.hpp"
#include "diagnose/engine.hpp"
#include "diagnose/prediction.hpp"
#include "host/containers/cgroups.hpp"
#include "host/in_namespace.hpp"
#include "host/proc_host.hpp"
#include "host/process/proc_uts.hpp"
#include "host/process/process_facts.hpp"
#include "host/sockets/proc_sockets.hpp"
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
  while (getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) < 0)
    groups.resize(static_cast<std::size_t>(count));  // now it says how many there are
  user.credentials.groups.assign(groups.begin(), groups.begin() + count);
  return user;
}

std::string process_folder(unsigned pid) {
  return pid == 0 ? "/proc/self" : "/proc/" + std::to_string(pid);
}

/// A number of /proc/sys/net in a network namespace.
int network_setting(int netns, const std::string& name, int otherwise) {
  const auto found = in_namespace<int>(netns, CLONE_NEWNET, [&]() -> Result<int> {
    int value = otherwise;
    std::ifstream file("/proc/sys/net/" + name);
    if (!(file >> value)) value = otherwise;
    return value;
  });
  return found ? *found : otherwise;
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

/// Every bound socket of the node, looked up once for those that processes have open and for the others.
class SocketsFromProc final : public BoundSockets {
 public:
  std::optional<SocketOwner> binder(const BoundName& name) const override { return sockets_.binder(name); }
  Result<bool> note_released() const override { return sockets_.note_released(); }
  Result<bool> scan(SocketList& into) const override {
    auto tables = sockets_.tables();
    if (!tables) return tables.error();
    for (const OpenSocket& socket : tables->open) into.add(socket);
    const std::lock_guard lock(mutex_);
    unowned_ = std::move(tables->orphans);
    return true;
  }
  /// Those that no process had open at the latest scan.
  std::vector<OpenSocket> unowned() const {
    const std::lock_guard lock(mutex_);
    return unowned_;
  }

 private:
  ProcSockets sockets_{"/proc"};
  mutable std::mutex mutex_;
  mutable std::vector<OpenSocket> unowned_;
};

void assume_user(const std::string& name, Actor& actor) {
  User user = find_user(name);
  actor.uid = user.uid;
  actor.fsuid = user.credentials.fsuid;
  actor.fsgid = user.credentials.fsgid;
  actor.groups = std::move(user.credentials.groups);
  actor.cap_effective = user.uid == 0 ? kEveryCapability : 0;
}

/// The call as the kernel side would have written it down.
struct Question {
  Event event;
  std::string interface;  ///< as in WantedAddress
  Surroundings around;
};

Question read_question(const ExplainFlags& flags) {
  WantedAddress wanted = parse_wanted_address(flags.address);
  auto actor = actor_from_proc("/proc", flags.pid);
  if (!actor)
    throw failure(fmt::format("--pid {}: {}", flags.pid, actor.error().text()),
                  "check that it runs, and that /proc shows it (hidepid, pid namespaces)");
  const std::string folder = process_folder(flags.pid);
  const FileDescriptor netns(open((folder + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid())
    throw failure(last_error("open " + folder + "/ns/net").text(),
                  "run it as root: other users' processes are not visible otherwise");
  if (!flags.user.empty()) assume_user(flags.user, *actor);
  SocketCall& call = wanted.call;
  call.socket_netns = actor->netns;
  call.socket_uid = actor->uid;
  call.owner_userns = owner_of(netns.get());
  call.port_start =
      static_cast<std::uint16_t>(network_setting(netns.get(), "ipv4/ip_unprivileged_port_start", 1024));
  fill_directory(call, folder);
  return {.event = {.actor = std::move(*actor),
                    .syscall = flags.connect ? Syscall::connect : Syscall::bind,
                    .call = std::move(call)},
          .interface = std::move(wanted.interface),
          .around = {.nonlocal_bind = network_setting(netns.get(), "ipv4/ip_nonlocal_bind", 0) != 0,
                     .nonlocal_bind6 = network_setting(netns.get(), "ipv6/ip_nonlocal_bind", 0) != 0}};
}

/// The index of the interface that the address names, in the network namespace of the call.
void find_interface(const std::string& name, const NetworkView& network, Event& event) {
  const auto interfaces = network.interfaces(event);
  if (!interfaces)
    throw failure("interfaces: " + interfaces.error().text(), "write the index of the interface after the %");
  std::string names;
  for (const NetworkInterface& one : *interfaces) {
    if (one.name == name) {
      std::get<SocketCall>(event.call).address.scope = one.index;
      return;
    }
    names += (names.empty() ? "" : ", ") + printable(one.name).text;
  }
  throw usage_error(fmt::format("no interface of network namespace {} is named \"{}\"", event.actor.netns,
                                printable(name).text),
                    names.empty() ? "it has none" : "its interfaces: " + names);
}

std::string actor_text(const Event& event, const ExplainFlags& flags) {
  std::string text = fmt::format("uid {}", event.actor.uid);
  if (flags.pid != 0)
    text += fmt::format(" in the place of {}[{}]", printable(event.actor.comm).text, event.actor.tgid);
  return text;
}

std::string section(const char* label, const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text.empty() ? "" : to_terminal_section(label, text, terminal_style(STDOUT_FILENO));
}

}  // namespace

int explain_command(const ExplainFlags& flags) {
  Question question = read_question(flags);
  Event& event = question.event;
  const CgroupMounts mounts = find_cgroup_mounts();
  const SocketsFromProc tables;
  const ProcUts uts("/proc");
  const ProcHost proc({.controller = mounts.controller(),
                       .cgroup2_root = mounts.v2_root,
                       .uts = &uts,
                       .sockets = &tables,
                       .scan_bytes = SocketList::kUnbounded});
  const HostView host = proc.view();
  question.around.unowned = [&tables] { return tables.unowned(); };
  if (!question.interface.empty()) find_interface(question.interface, host.network, event);
  event.time = SystemClock().monotonic();  // after the first scan: what that found was there before
  const Prediction prediction = predict(event, host, question.around);
  const auto address = address_text(std::get<SocketCall>(event.call).address);
  const std::string subject = fmt::format("{} of {} as {}", to_string(event.syscall),
                                          address ? address->text : "?", actor_text(event, flags));
  const std::string details = section("found", prediction.because) + section("unseen", prediction.unknown);
  if (prediction.error == 0) {
    std::puts((subject + ": nothing that can be seen on this host prevents it" + details).c_str());
    return 0;
  }
  event.result = -prediction.error;
  std::get<SocketCall>(event.call).address_state = prediction.address_state;
  const char* meaning = strerrordesc_np(prediction.error);
  std::string text =
      fmt::format("{}: would fail with {} ({}){}", subject, errno_name(prediction.error).value_or("an error"),
                  meaning == nullptr ? "unknown" : meaning, details);
  if (const Diagnosis found = Engine(host, 0).diagnose_attempt(event); found.cause != Cause::unknown)
    text += to_terminal(found, terminal_style(STDOUT_FILENO));
  std::puts(text.c_str());
  return 1;
}

}  // namespace sockward
