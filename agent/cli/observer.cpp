#include "cli/observer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "base/errno_name.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "base/version.hpp"
#include "enrich/root_files.hpp"

namespace sockward {
namespace {

BackendChoice backend_choice(Settings::Probes::Backend backend) {
  using enum Settings::Probes::Backend;
  return backend == fexit        ? BackendChoice::fexit
         : backend == tracepoint ? BackendChoice::tracepoint
                                 : BackendChoice::automatic;
}

bool sysctl_writes_strict() {
  int value = 1;
  std::ifstream("/proc/sys/kernel/sysctl_writes_strict") >> value;
  return value == 1;
}

}  // namespace

ReportFilter report_filter(const std::vector<std::string>& errors, const char* flag) {
  ReportFilter filter;
  filter.too_long = filter.unix_refused = filter.unix_missing = false;
  for (const auto& name : errors) {
    if (name == "default") {
      const ReportFilter standard = ReportFilter::standard();
      for (std::size_t i = 0; i < standard.errno_bits.size(); ++i)
        filter.errno_bits.at(i) |= standard.errno_bits.at(i);
      filter.too_long = filter.unix_refused = filter.unix_missing = true;
    } else if (name == "all") {
      filter.all_errors = filter.too_long = filter.unix_refused = filter.unix_missing = true;
    } else if (const auto number = errno_number(name)) {
      filter.add_errno(*number);
    } else {
      throw usage_error(fmt::format("{}: unknown error name \"{}\"", flag, printable(name).text),
                        fmt::format("did you mean {}? Also: all, default", nearest_errno_name(name)));
    }
  }
  return filter;
}

ProbeOptions probe_options(const ProbeFlags& flags, const Settings& settings, const CgroupMounts& mounts) {
  return {.filter = report_filter(settings.probes.errors, "probes.errno"),
          .backend = backend_choice(settings.probes.backend),
          .strict = flags.strict,
          .btf_path = flags.btf_path,
          .ring_bytes = settings.limits.ring_bytes,
          .source_entries = settings.limits.source_entries,
          .bound_names = settings.limits.bound_names,
          .seccomp_denied = settings.probes.seccomp_denied,
          .messages = settings.probes.stderr_text,
          .near_limit_bytes = static_cast<std::uint16_t>(settings.names.near_limit_bytes),
          .host_utsns = settings.host.uts_namespace,
          .hierarchy = static_cast<CgroupHierarchy>(mounts.kind),
          .cgroup2_root = mounts.v2_root,
          .writes_strict = sysctl_writes_strict()};
}

Result<bool> KnownSockets::scan(SocketList& into) const {
  const SocketList empty = into;
  if (probes_.scan(into)) return true;
  into = empty;
  return fallback_.scan(into);
}

Observer::Observer(const ProbeOptions& options, const CgroupMounts& mounts, std::size_t walk_bytes)
    : probes(ProbeSet::load(options)),
      sockets(*probes),
      host("/proc", mounts.controller(), probes.get(), &sockets, probes.get(), mounts.v2_root, walk_bytes),
      containers(mounts, host) {
  if (const auto limit = pid_namespace_limit()) log_warn("{}", *limit);
  if (const auto limit = path_lookup_limit()) log_warn("{}", *limit);
  if (!options.pin_path.empty() && !probes->not_pinned().empty())
    log_warn("events while the agent is down will not be recorded: {}", probes->not_pinned());
  const Losses previous = probes->ledger().previous_losses();
  stats.lost_queue_full = previous.queue_full;
  stats.lost_decode = previous.decode;
  stats.lost_output = previous.output;
  stats.lost_restart = probes->ledger().lost();
  release_startup_memory();  // parsing the kernel's types took far more than is needed from now on
}

std::string Observer::attached_text() const {
  const auto all = probes->probes();
  const auto attached = std::count_if(all.begin(), all.end(),
                                      [](const auto& probe) { return probe.attached || probe.optional; });
  const char* how = probes->adopted() ? "attached (adopted from the previous agent)" : "attached";
  if (static_cast<std::size_t>(attached) == all.size()) return how;
  return fmt::format("{}: {} of {} probes, see `sockward check`", how, attached, all.size());
}

std::optional<std::string> pid_namespace_limit() {
  constexpr ino_t kHost = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h
  struct stat own {};                  // of the first process that /proc shows
  if (stat("/proc/1/ns/pid", &own) != 0 && stat("/proc/self/ns/pid", &own) != 0)
    return "no /proc here: programs, command lines and executables of processes cannot be looked up; mount "
           "it";
  if (own.st_ino == kHost) return std::nullopt;
  return "the agent is in a pid namespace of its own: records have the host's process ids, and what /proc "
         "knows of them (command line, executable, container of a process) cannot be looked up; give it the "
         "host's (hostPID: true, --pid=host)";
}

std::optional<std::string> path_lookup_limit() {
  const FileDescriptor root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.valid() && open_below(root.get(), "/proc").valid()) return std::nullopt;
  const int error = errno;
  return fmt::format(
      "look-ups of paths are refused here (openat2: {}): what is at a path, and who is denied there, will be "
      "unknown; {}",
      errno_name(error).value_or("an error without a name"),
      error == ENOSYS || error == EPERM ? "allow openat2 in the seccomp filter that refuses it (systemd: no "
                                          "RestrictSUIDSGID=); it exists since Linux 5.6"
                                        : "let the agent read / and /proc");
}

Resource this_resource() {
  Resource resource{.service_version = kVersion, .host_id = {}, .host_name = {}};
  std::ifstream("/etc/machine-id") >> resource.host_id;
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  resource.host_name = name;
  return resource;
}

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGHUP);
  sigaddset(&signals_, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::Came StopSignals::next(double seconds) const {
  const timespec timeout{.tv_sec = static_cast<time_t>(seconds),
                         .tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9)};
  const int signal = sigtimedwait(&signals_, nullptr, &timeout);
  return signal <= 0         ? Came::nothing
         : signal == SIGHUP  ? Came::hangup
         : signal == SIGUSR1 ? Came::hand_over
                             : Came::stop;
}

void StopSignals::wait(double seconds) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    const double left = std::chrono::duration<double>(until - std::chrono::steady_clock::now()).count();
    if (seconds > 0 && left <= 0) return;
    if (next(seconds > 0 ? left : 3600) == Came::stop) return;
  }
}

}  // namespace sockward
