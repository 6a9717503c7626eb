// sockward check: what would be observed here.
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "app/probe_settings.hpp"
#include "app/this_host.hpp"
#include "base/startup_error.hpp"
#include "base/version.hpp"
#include "cli/flags.hpp"
#include "host/audit/audit_reader.hpp"
#include "host/bus/bus_watch.hpp"
#include "http/tls.hpp"
#include "probe/coverage.hpp"

namespace sockward {
namespace {

void line(const char* state, const char* subject, const std::string& text) {
  std::printf("  %-5s %-14s %s\n", state, subject, text.c_str());
}

std::string kernel_text() {
  utsname names{};
  uname(&names);
  return fmt::format("{} {} {}", names.sysname, names.release, names.machine);
}

std::string hierarchy_text(const CgroupMounts& mounts) {
  if (mounts.root.empty()) return "no cgroup hierarchy is mounted: containers cannot be told apart";
  const std::string controller = mounts.controller();
  return fmt::format("containers told apart by {} at {}",
                     controller.empty() ? "cgroup v2" : "cgroup v1 " + controller, mounts.root);
}

/// Are refusals of security modules readable?
void print_audit(bool wanted) {
  const std::string modules = auditing_modules();
  if (modules.empty()) return line("ok", "audit", "no security module that writes audit messages is active");
  if (!wanted)
    return line("warn", "audit", "probes.audit is off: who is refused by " + modules + " stays unseen");
  const auto opened = open_audit_socket();
  line(opened ? "ok" : "warn", "audit",
       opened ? "refusals by " + modules + " are read" : audit_obstacle_text(opened.error()));
}

/// Is it seen who asks systemd-hostnamed for a host name?
void print_bus(const std::string& socket) {
  if (socket.empty())
    return line("warn", "bus", "host.system_bus is off: who asks systemd-hostnamed for a name stays unseen");
  const auto watched = try_bus(socket);
  if (watched) return line("ok", "bus", "requests to systemd-hostnamed are seen on the system bus");
  const bool none = watched.error().code == std::errc::no_such_file_or_directory;
  line(none ? "ok" : "warn", "bus",
       none ? "there is no system bus at " + socket : bus_obstacle_text(watched.error()));
}

/// Prints the table of probes.
void print_table(const std::vector<OperationPlan>& plan) {
  std::printf("\n  %-20s %-11s %s\n", "PROBE", "BACKEND", "WHY");
  for (const auto& operation : plan)
    std::printf("  %-20s %-11s %s\n", operation.operation.c_str(), to_string(operation.backend).data(),
                operation.reason.c_str());
}

/// The same in a few lines: how many by which backend, why not by the better one, and which are missing.
void print_probes(const std::vector<OperationPlan>& plan, int missing) {
  constexpr int kShown = 6;
  std::map<std::string_view, int> backends;
  std::string why;
  for (const auto& operation : plan) {
    if (operation.backend != Backend::none) ++backends[to_string(operation.backend)];
    if (operation.backend == Backend::tracepoint && why.empty()) why = operation.reason;
  }
  std::string text;
  for (const auto& [backend, count] : backends)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, backend);
  line(missing == 0 ? "ok" : "warn", "probes", text);
  if (!why.empty()) line("ok", "", "not by " + why);
  int shown = 0;
  for (const auto& operation : plan)
    if (operation.backend == Backend::none && !operation.optional && ++shown <= kShown)
      line("warn", operation.operation.c_str(), "no probe: " + operation.reason);
  if (missing > kShown) line("warn", "", fmt::format("and {} others: --verbose", missing - kShown));
}

int missing_in(const std::vector<OperationPlan>& plan) {
  return static_cast<int>(std::count_if(plan.begin(), plan.end(), [](const OperationPlan& operation) {
    return operation.backend == Backend::none && !operation.optional;
  }));
}

/// What coverage says is not seen, one line for each route.
void print_unseen(const std::vector<OperationPlan>& plan, bool verbose) {
  static constexpr std::pair<const char*, const char*> kRoutes[] = {
      {"syscall", "system calls"},
      {"compat", "calls of 32-bit programs"},
      {"io_uring", "requests through io_uring"},
      {"sysctl", "writes of names through /proc/sys"},
      {"seccomp_denied", "calls that a seccomp filter refused (probes.seccomp_denied)"}};
  constexpr int kListed = 4;
  std::vector<ProbeStatus> probes;
  probes.reserve(plan.size());
  for (const auto& operation : plan)
    probes.push_back({.operation = operation.operation,
                      .backend = operation.backend,
                      .attached = operation.backend != Backend::none,
                      .reason = {}});
  std::puts("\n  Not seen here:");
  for (const auto& [route, text] : kRoutes) {
    std::string operations;
    int count = 0;
    for (const Coverage& coverage : coverage_of(probes, true))
      if (!coverage.seen && coverage.route == route && ++count)
        operations +=
            (operations.empty() ? "" : ", ") + (coverage.operation == "*" ? "any" : coverage.operation);
    if (!verbose && count > kListed) operations = fmt::format("{} operations", count);
    if (!operations.empty()) std::printf("  - %s: %s\n", text, operations.c_str());
  }
  std::puts("  - names sent with sendto or sendmsg (AF_UNIX: probes.sends); open with O_NOFOLLOW");
  std::printf("  See docs/coverage.md%s.\n", verbose ? "" : "; each probe: sockward check --verbose");
}

}  // namespace

int check_command(const CheckFlags& flags) {
  std::printf("sockward %s (revision %s)\n", kVersion, kRevision);
  Settings settings = flags.config_file.empty() ? Settings{} : load_settings(flags.config_file);
  override_settings(settings, flags.probe.settings);
  line("ok", "configuration", flags.config_file.empty() ? "defaults" : flags.config_file);
  const std::string& web = flags.web_config_file.empty() ? settings.web.config_file : flags.web_config_file;
  if (!web.empty()) {
    TlsKeeper(std::make_shared<WatchedWebConfig>(web)).check();
    line("ok", "web", web);
  }
  line("ok", "kernel", kernel_text());
  const CgroupMounts mounts = find_cgroup_mounts();
  line(mounts.root.empty() ? "warn" : "ok", "cgroups", hierarchy_text(mounts));
  line(mounts.v2_root.empty() ? "warn" : "ok", "cgroup2",
       mounts.v2_root.empty() ? "not mounted: host-name changes through sysctl stay unseen; mount -t cgroup2 "
                                "none /sys/fs/cgroup/unified"
                              : mounts.v2_root);
  const auto limit = pid_namespace_limit();
  line(limit ? "warn" : "ok", "processes", limit.value_or("seen as the host numbers them"));
  const auto blind = path_lookup_limit();
  line(blind ? "warn" : "ok", "paths", blind.value_or("can be looked up below other processes' roots"));
  print_audit(settings.probes.audit == Settings::Probes::Audit::automatic);
  print_bus(system_bus(settings));
  const ProbeOptions options = probe_options(flags.probe, settings, mounts);
  const auto plan = ProbeSet::preflight(options);  // throws what is missing
  line("ok", "capabilities", "may load tracing programs");
  line("ok", "BTF", options.btf_path.empty() ? "/sys/kernel/btf/vmlinux" : options.btf_path);
  if (!settings.restart.pin_path) {
    line("warn", "restart", "restart.pin_path is off: what happens between two agents will be missed");
  } else {
    const auto gap = ProbeSet::restart_obstacle(plan, *settings.restart.pin_path);
    line(gap ? "warn" : "ok", "restart",
         gap ? "what happens between two agents will be missed: " + *gap
             : "the programs live on at " + *settings.restart.pin_path + " when the agent dies");
  }
  const int missing = missing_in(plan);
  if (flags.verbose)
    print_table(plan);
  else
    print_probes(plan, missing);
  print_unseen(plan, flags.verbose);
  return missing != 0 && flags.probe.strict ? 1 : 0;
}

}  // namespace sockward
