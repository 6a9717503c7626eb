#include <cerrno>

#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

struct CallSum {
  std::uint64_t ok = 0, errors = 0;
};

CallSum sum_of(const KernelSnapshot::Slots& slots) {
  CallSum sum{.ok = slots[0]};
  for (std::size_t slot = 1; slot < slots.size(); ++slot) sum.errors += slots[slot];
  return sum;
}

void add_calls(const Scrape& scrape, FamilyBuilder& family) {
  for (std::size_t i = 0; i < kSyscalls; ++i) {
    const auto syscall = static_cast<Syscall>(i);
    for (std::size_t j = 0; j < kFamilies; ++j) {
      const auto kind = static_cast<Family>(j);
      if (!takes_socket(syscall) && kind != Family::none) continue;
      if (sends(syscall) && kind != Family::unix_) continue;
      const CallSum sum = sum_of(scrape.kernel.of(syscall, kind));
      if (!counts_only_eloop(syscall)) family.count({to_string(syscall), to_string(kind), "ok"}, sum.ok);
      family.count({to_string(syscall), to_string(kind), "error"}, sum.errors);
    }
  }
}

/// Failures that alert rules look at: their series exist from the first scrape on, at 0, for the host.
const std::vector<CountedKind>& fixed_failures() {
  static const std::vector<CountedKind> kFixed = [] {
    std::vector<CountedKind> fixed;
    for (const Family family : {Family::unix_, Family::inet, Family::inet6}) {
      for (const int error : {EADDRINUSE, EACCES, EADDRNOTAVAIL, EINVAL, EROFS})
        fixed.push_back({Syscall::bind, family, static_cast<std::uint16_t>(error)});
      for (const int error : {EACCES, ECONNREFUSED, EINVAL, EADDRNOTAVAIL})
        fixed.push_back({Syscall::connect, family, static_cast<std::uint16_t>(error)});
    }
    for (const Syscall name : {Syscall::sethostname, Syscall::setdomainname})
      for (const int error : {EPERM, EINVAL})
        fixed.push_back({name, Family::none, static_cast<std::uint16_t>(error)});
    for (std::size_t i = 0; i < kSyscalls; ++i) {
      const auto syscall = static_cast<Syscall>(i);
      if (removes_name(syscall))
        for (const int error : {EACCES, EPERM, EROFS})
          fixed.push_back({syscall, Family::none, static_cast<std::uint16_t>(error)});
      if (counts_only_eloop(syscall)) fixed.push_back({syscall, Family::none, ELOOP});
    }
    return fixed;
  }();
  return kFixed;
}

void add_errors(const Scrape& scrape, FamilyBuilder& family) {
  family.reserve(scrape.failures.size() + fixed_failures().size());
  const auto add = [&](std::string_view container, CountedKind kind, std::uint64_t count) {
    family.count({to_string(kind.syscall), to_string(kind.family), errno_label(kind.slot), container}, count);
  };
  std::map<CountedKind, std::uint64_t> host;
  for (const CountedKind& kind : fixed_failures()) host[kind] = 0;
  for (const auto& [container, kind, count] : scrape.failures)
    if (container == "host" && !kind.is_outcome) host[kind] = count;
  for (const auto& [kind, count] : host) add("host", kind, count);
  for (const auto& [container, kind, count] : scrape.failures)
    if (container != "host" && !kind.is_outcome) add(container, kind, count);
}

/// The host's own exist from the first scrape on, at 0.
void add_connections(const Scrape& scrape, FamilyBuilder& family) {
  const auto add = [&](std::string_view container, Family of, std::size_t outcome, std::uint64_t count) {
    family.count({to_string(of), to_string(static_cast<ConnectOutcome>(outcome)), container}, count);
  };
  std::map<std::pair<Family, std::size_t>, std::uint64_t> host;
  for (const Family of : {Family::inet, Family::inet6})
    for (std::size_t outcome = 1; outcome < kConnectOutcomes; ++outcome) host[{of, outcome}] = 0;
  for (const auto& [container, kind, count] : scrape.failures)
    if (container == "host" && kind.is_outcome) host[{kind.family, kind.slot}] = count;
  for (const auto& [kind, count] : host) add("host", kind.first, kind.second, count);
  for (const auto& [container, kind, count] : scrape.failures)
    if (container != "host" && kind.is_outcome) add(container, kind.family, kind.slot, count);
}

using enum MetricType;

constexpr Metric kCalls[] = {
    {{"sockward_calls_total", counter, "syscall,family,result",
      "Watched system calls. Exact together with sockward_missed_calls_total. "
      "openat2, open_tree, mount and move_mount count only ELOOP.",
      true},
     add_calls},
    {{"sockward_call_errors_total", counter, "syscall,family,errno,container_name",
      "Failed system calls by error and container. "
      "Containers past the cap, and those the kernel's table had no room for, are in ~other.",
      true},
     add_errors},
    {{"sockward_connections_total", counter, "family,outcome,container_name",
      "TCP connects by how they ended: established, refused, unreachable, timed_out (the kernel gave up), "
      "given_up (the program closed the socket before an answer). "
      "Of the container that connected; containers past the cap are in ~other.",
      true},
     add_connections},
};

}  // namespace

MetricTable call_metrics() {
  return kCalls;
}

}  // namespace sockward
