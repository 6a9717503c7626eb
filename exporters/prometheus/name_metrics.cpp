#include <cerrno>

#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

void add_changes(std::string_view scope, const NameChanges& changes, FamilyBuilder& family) {
  const auto &calls = changes.by(Via::syscall), &sysctl = changes.by(Via::sysctl);
  family.count({scope, "sethostname", "hostname"}, calls.hostname)
      .count({scope, "setdomainname", "domainname"}, calls.domainname)
      .count({scope, "sysctl", "hostname"}, sysctl.hostname)
      .count({scope, "sysctl", "domainname"}, sysctl.domainname);
}

void add_compat_changes(std::string_view scope, const NameChanges& changes, FamilyBuilder& family) {
  const auto& calls = changes.by(Via::compat);  // of 32-bit programs
  family.count({scope, "compat", "hostname"}, calls.hostname)
      .count({scope, "compat", "domainname"}, calls.domainname);
}

void add_hostname_changes(const Scrape& scrape, FamilyBuilder& family) {
  const auto& [container, host] = scrape.kernel.hostname_changes;
  add_changes("container", container, family);
  add_changes("host", host, family);
  add_compat_changes("container", container, family);
  add_compat_changes("host", host, family);
}

void add_host_renames(const Scrape& scrape, FamilyBuilder& family) {
  std::map<std::string, std::uint64_t> counts{{"host", 0}};
  for (const auto& [key, count] : scrape.sources.host_renames.read()) counts[key.container] += count;
  for (const auto& [container, count] : counts) family.count({container}, count);
}

void add_hostname_failures(const Scrape& scrape, FamilyBuilder& family) {
  const auto& host = scrape.kernel.of(Syscall::sethostname, Family::none);
  const auto& domain = scrape.kernel.of(Syscall::setdomainname, Family::none);
  for (std::size_t slot = 1; slot < kErrnoSlots; ++slot) {
    const std::uint64_t count = host[slot] + domain[slot];
    if (count != 0 || slot == EPERM || slot == EINVAL || slot == EFAULT)
      family.count({errno_label(slot)}, count);
  }
}

void add_uts_namespaces(const Scrape& scrape, FamilyBuilder& family) {
  if (const auto namespaces = scrape.sources.uts.read()) family.count({}, namespaces->size());
}

void add_uts_created(const Scrape& scrape, FamilyBuilder& family) {
  family.count({"clone"}, scrape.kernel.uts_created.clone)
      .count({"unshare"}, scrape.kernel.uts_created.unshare);
}

void add_names_bound(const Scrape& scrape, FamilyBuilder& family) {
  family.count({"path"}, scrape.kernel.names_bound.path).count({"other"}, scrape.kernel.names_bound.other);
}

void add_path_bytes(const Scrape& scrape, FamilyBuilder& family) {
  static const std::vector<double> kBounds = {16, 32, 64, 80, 92, 100, 104, 107, 108};
  const auto& lengths = scrape.kernel.path_lengths;
  std::vector<std::uint64_t> counts(kBounds.size() + 1);
  for (std::size_t bytes = 0; bytes < lengths.size(); ++bytes) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && static_cast<double>(bytes) > kBounds[bucket]) ++bucket;
    counts[bucket] += lengths[bytes];
  }
  family.add_histogram(kBounds, counts, static_cast<double>(scrape.kernel.path_length_sum));
}

using enum MetricType;

constexpr Metric kHostnameChanges[] = {
    {{"sockward_hostname_changes_total", counter, "scope,route,field",
      "Changes of a host or domain name, counted in the kernel.", true},
     add_hostname_changes},
};

constexpr Metric kHostRenames[] = {
    {{"sockward_host_renames_total", counter, "container_name",
      "Changes of the host's own host or domain name, by the container of whoever made them (host: none). "
      "Depends on records arriving.",
      true},
     add_host_renames},
};

constexpr Metric kHostnameFailures[] = {
    {{"sockward_hostname_change_failures_total", counter, "errno",
      "Failed sethostname and setdomainname calls.", true},
     add_hostname_failures},
};

constexpr Metric kNames[] = {
    {{"sockward_uts_namespaces", gauge, "", "UTS namespaces with at least one process.", false},
     add_uts_namespaces},
    {{"sockward_uts_namespaces_created_total", counter, "route",
      "UTS namespaces created while the agent watched, by clone or unshare.", true},
     add_uts_created},
    {{"sockward_names_bound_total", counter, "kind",
      "Names put into the name table (path, other). "
      "It keeps limits.bound_names of them and forgets the least recently used.",
      true},
     add_names_bound},
    {{"sockward_names_evicted_total", counter, "",
      "Names evicted from the name table because limits.bound_names was reached: "
      "their holders are found only while they live.",
      true},
     kernel_count<&KernelSnapshot::names_evicted>},
    {{"sockward_exec_arguments_unread_total", counter, "",
      "Programs started with more arguments than are examined (512, two reported), or with unreadable ones.",
      true},
     kernel_count<&KernelSnapshot::exec_arguments_unread>},
    {{"sockward_unix_path_bytes", histogram, "",
      "Length of AF_UNIX path names given to bind; 107 and a NUL fit, longer than 108 is refused. "
      "Longer ones count as 109 in the sum.",
      true},
     add_path_bytes},
};

}  // namespace

MetricTable hostname_change_metrics() {
  return kHostnameChanges;
}

MetricTable host_rename_metrics() {
  return kHostRenames;
}

MetricTable hostname_failure_metrics() {
  return kHostnameFailures;
}

MetricTable name_metrics() {
  return kNames;
}

}  // namespace sockward
