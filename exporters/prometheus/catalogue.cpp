#include "prometheus/catalogue.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace sockward {
namespace {

using enum MetricType;

constexpr std::array kCatalogue = {
    MetricInfo{"sockward_calls_total", counter, "syscall,family,result",
               "Watched system calls. Exact together with sockward_missed_calls_total. openat2, open_tree, "
               "mount and "
               "move_mount count only ELOOP.",
               true},
    MetricInfo{"sockward_call_errors_total", counter, "syscall,family,errno,container_name",
               "Failed system calls by error and container. Containers past the cap, and those the kernel's "
               "table had no room for, are in ~other.",
               true},
    MetricInfo{"sockward_missed_calls_total", counter, "program",
               "Calls that a counting BPF program missed because the kernel skipped it (its own count, "
               "bpf_prog_info.recursion_misses).",
               true},
    MetricInfo{"sockward_missed_runs_total", counter, "program",
               "The same for programs that count no calls: what they feed (holders, exec arguments, process "
               "exits) may have gaps.",
               true},
    MetricInfo{"sockward_diagnoses_total", counter, "cause,syscall,container_name",
               "Diagnosed records by cause. Depends on records arriving: see sockward_events_lost_total.",
               true},
    MetricInfo{"sockward_hostname_changes_total", counter, "scope,route,field",
               "Changes of a host or domain name, counted in the kernel.", true},
    MetricInfo{
        "sockward_host_renames_total", counter, "container_name",
        "Changes of the host's own host or domain name, by the container of whoever made them (host: none). "
        "Depends on records arriving.",
        true},
    MetricInfo{"sockward_hostname_change_failures_total", counter, "errno",
               "Failed sethostname and setdomainname calls.", true},
    MetricInfo{"sockward_uts_namespaces", gauge, "", "UTS namespaces with at least one process.", false},
    MetricInfo{"sockward_uts_namespaces_created_total", counter, "route",
               "UTS namespaces created while the agent watched, by clone or unshare.", true},
    MetricInfo{"sockward_names_bound_total", counter, "kind",
               "Names put into the name table (path, other). It keeps limits.bound_names of them and forgets "
               "the least "
               "recently used.",
               true},
    MetricInfo{"sockward_names_evicted_total", counter, "",
               "Names evicted from the name table because limits.bound_names was reached: their holders are "
               "found only while they live.",
               true},
    MetricInfo{"sockward_exec_arguments_unread_total", counter, "",
               "Programs started with more arguments than are examined (512), or with unreadable ones.",
               true},
    MetricInfo{"sockward_unix_path_bytes", histogram, "",
               "Length of AF_UNIX path names given to bind; 107 and a NUL fit, longer than 108 is refused. "
               "Longer ones "
               "count as 109 in the sum.",
               true},
    MetricInfo{"sockward_events_received_total", counter, "", "Records taken from the ring buffer.", true},
    MetricInfo{"sockward_events_lost_total", counter, "reason",
               "Records lost: ring_full (in the kernel), queue_full (the agent was behind), decode, output "
               "(a sink could "
               "not write), restart (taken by a previous agent that died before it wrote them).",
               true},
    MetricInfo{"sockward_events_duplicate_total", counter, "",
               "Duplicate records that the previous agent had already written; dropped.", true},
    MetricInfo{"sockward_events_suppressed_total", counter, "",
               "Records suppressed in the kernel during a storm, folded into others as repeats, or left out "
               "by records.ignore_paths.",
               true},
    MetricInfo{"sockward_probe_attached", gauge, "probe,backend", "1 when the probe is attached.", true},
    MetricInfo{"sockward_coverage", gauge, "operation,route", "1 when calls made by this route are seen.",
               true},
    MetricInfo{"sockward_series_overflow_total", counter, "",
               "Containers aggregated into ~other because the cap on container_name was reached.", true},
    MetricInfo{"sockward_source_table_full_total", counter, "",
               "Failures counted without their container because the kernel's table was full.", true},
    MetricInfo{"sockward_walk_sockets_left_out_total", counter, "",
               "Open sockets omitted from socket scans because limits.walk_bytes was reached. They cannot be "
               "identified as holders, and their absence proves nothing.",
               true},
    MetricInfo{"sockward_lookups_skipped_total", counter, "",
               "Events whose diagnosis went without a look-up (of open sockets, processes, mounts or "
               "/proc/net) because the CPU budget (a tenth of a core) was exhausted: causes that rest on it "
               "are likely at most.",
               true},
    MetricInfo{"sockward_lookups_given_up_total", counter, "reason",
               "File look-ups abandoned after half a second (timeout: the file system does not answer), or "
               "not begun because eight hang or no thread could be started (not_begun). Causes that rest on "
               "them are likely at most.",
               true},
    MetricInfo{"sockward_history_forgotten_total", counter, "kind",
               "Events of the last minute (name_change, failed_unlink, long_argument, process_end) evicted "
               "because limits.history_entries was reached: later diagnoses cannot refer to them.",
               true},
    MetricInfo{"sockward_diagnosis_seconds", histogram, "",
               "Time from the end of a call until its record is handed to the sinks.", true},
    MetricInfo{"sockward_notifications_sent_total", counter, "",
               "Alerts accepted by an Alertmanager; counted again for each Alertmanager and each time they "
               "are resent.",
               true},
    MetricInfo{"sockward_notifications_errors_total", counter, "",
               "Alerts in requests that failed; they are resent while they are held.", true},
    MetricInfo{"sockward_notifications_dropped_total", counter, "",
               "Alerts dropped: refused by an Alertmanager, or over the limit of 1000 at a time.", true},
    MetricInfo{"sockward_sink_records_total", counter, "sink", "Records delivered by a sink.", true},
    MetricInfo{"sockward_sink_dropped_total", counter, "sink",
               "Records dropped by a sink: its queue or the disk was full, or the other side refused them.",
               true},
    MetricInfo{"sockward_config_last_reload_successful", gauge, "",
               "1 when the configuration was last read successfully.", true},
    MetricInfo{"sockward_bpf_run_seconds_total", counter, "program",
               "Time spent in a BPF program; only while the kernel's BPF statistics are on.", false},
    MetricInfo{"sockward_bpf_runs_total", counter, "program",
               "Runs of a BPF program; only while the kernel's BPF statistics are on.", false},
    MetricInfo{"sockward_build_info", gauge, "version,revision,compiler", "1; what was built.", true},
    MetricInfo{"process_cpu_seconds_total", counter, "", "User and system CPU time of the agent.", true},
    MetricInfo{"process_resident_memory_bytes", gauge, "", "Resident memory of the agent.", true},
    MetricInfo{"sockward_web_resident_memory_bytes", gauge, "",
               "Resident memory of the process that serves HTTP, most of it shared with the agent; 0 when it "
               "cannot be read.",
               true},
    MetricInfo{"process_virtual_memory_bytes", gauge, "", "Virtual memory of the agent.", true},
    MetricInfo{"process_open_fds", gauge, "", "Open file descriptors of the agent.", true},
    MetricInfo{"process_max_fds", gauge, "", "Limit of open file descriptors of the agent.", true},
    MetricInfo{"process_start_time_seconds", gauge, "", "Start time of the agent since the epoch.", true},
};

}  // namespace

std::string_view to_string(MetricType type) {
  return type == counter ? "counter" : type == gauge ? "gauge" : "histogram";
}

std::span<const MetricInfo> metric_catalogue() {
  return kCatalogue;
}

const MetricInfo& metric_info(std::string_view name) {
  const auto* found =
      std::find_if(kCatalogue.begin(), kCatalogue.end(), [&](const auto& info) { return info.name == name; });
  if (found == kCatalogue.end()) {
    std::fprintf(stderr, "metric %.*s is not in the catalogue\n", static_cast<int>(name.size()), name.data());
    std::abort();
  }
  return *found;
}

}  // namespace sockward
