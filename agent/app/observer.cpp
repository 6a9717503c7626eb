#include "app/observer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "app/this_host.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"

namespace sockward {
namespace {

/// Has its owner this very socket at the descriptor that is remembered?
bool has_open(const OpenSocket& socket) {
  const std::string link = fmt::format("/proc/{}/fd/{}", socket.owner.process.tgid, socket.fd);
  const std::string wanted = fmt::format("socket:[{}]", socket.owner.socket_inode);
  std::array<char, 64> target{};
  const ssize_t bytes = ::readlink(link.c_str(), target.data(), target.size());
  return bytes > 0 && std::string_view(target.data(), static_cast<std::size_t>(bytes)) == wanted;
}

}  // namespace

Result<bool> KnownSockets::scan_for(const SocketFilter& filter, SocketList& into) const {
  const SocketList empty = into;
  if (probes_.scan_for(filter, into)) return true;
  into = empty;
  return fallback_.scan(into);
}

std::optional<OpenSocket> KnownSockets::still_held(const OpenSocket& known) const {
  auto found = probes_.still_held(known);
  if (!found || !has_open(*found)) return std::nullopt;
  return found;
}

Observer::Observer(const ProbeOptions& options, const CgroupMounts& mounts, const Settings& settings)
    : probes(ProbeSet::load(options)),
      sockets(*probes),
      audit(settings.probes.audit == Settings::Probes::Audit::automatic, clock),
      bus(system_bus(settings), clock),
      host({.controller = mounts.controller(),
            .cgroup2_root = mounts.v2_root,
            .uts = probes.get(),
            .sockets = &sockets,
            .mount_events = probes.get(),
            .denials = &audit.denials(),
            .requests = &bus.requests(),
            .scan_bytes = settings.limits.walk_bytes}),
      containers(mounts, host.view().processes) {
  if (const auto limit = pid_namespace_limit()) log_warn("{}", *limit);
  if (const auto limit = path_lookup_limit()) log_warn("{}", *limit);
  stats.audit_read = audit.complete();
  stats.requests_seen = bus.complete();
  if (!audit.complete()) log_info("who is refused by AppArmor or SELinux is not read: {}", audit.obstacle());
  if (!bus.obstacle().empty())
    log_info("who asks systemd-hostnamed for a host name is not seen: {}", bus.obstacle());
  if (!options.pin_path.empty() && !probes->not_pinned().empty())
    log_warn("events while the agent is down will not be recorded: {}", probes->not_pinned());
  const Losses previous = probes->ledger().previous_losses();
  stats.lost_queue_full = previous.queue_full;
  stats.lost_decode = previous.decode;
  stats.lost_output = previous.output;
  stats.lost_restart = probes->ledger().lost();
  release_startup_memory();  // parsing the kernel's types took far more than is needed from now on
}

std::vector<Coverage> Observer::coverage() const {
  auto all = probes->coverage();
  all.push_back({"*", std::string(kAuditRoute), audit.complete()});
  all.push_back({"sethostname", std::string(kRequestRoute), bus.complete()});
  return all;
}

std::string Observer::attached_text() const {
  const auto all = probes->probes();
  const auto attached = std::count_if(all.begin(), all.end(),
                                      [](const auto& probe) { return probe.attached || probe.optional; });
  const char* how = probes->adopted() ? "attached (adopted from the previous agent)" : "attached";
  if (static_cast<std::size_t>(attached) == all.size()) return how;
  return fmt::format("{}: {} of {} probes, see `sockward check`", how, attached, all.size());
}

}  // namespace sockward
