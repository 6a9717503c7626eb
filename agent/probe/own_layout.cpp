// The layout of the counters, as this version has it and as version 3 had it.
#include <sockward/counters.h>

#include <array>
#include <cstddef>

#include "probe/counters_layout.hpp"

namespace sockward {
namespace {

// Names in the text of the layout: what the next version finds the counts by. They never change.
constexpr std::array kCalls{
#define SOCKWARD_NAME(CALL, call, kind, counted, ...) #call,
    SOCKWARD_CALLS(SOCKWARD_NAME)
#undef SOCKWARD_NAME
};
constexpr std::array kFamilyNames{"unix", "inet", "inet6", "netlink", "vsock", "other", "none"};
static_assert(kCalls.size() == SOCKWARD_SYSCALLS && kFamilyNames.size() == SOCKWARD_FAMILIES);
static_assert(SOCKWARD_VIAS == 4 && SOCKWARD_SCOPES == 2);

template <class Labels>
std::string axis_of(const Labels& labels) {
  std::string axis;
  for (const auto& label : labels) axis.append(axis.empty() ? "" : ",").append(label);
  return axis;
}

std::string rows() {
  std::vector<std::string> labels(SOCKWARD_ROWS, "-");
  for (__u32 call = 0; call < SOCKWARD_SYSCALLS; ++call)
    if (call >= SOCKWARD_SOCKET_CALLS)
      labels[sockward_row(call, SOCKWARD_FAMILY_NONE)] = kCalls[call];
    else
      for (__u32 family = 0; family < SOCKWARD_FAMILIES; ++family)
        labels[sockward_row(call, family)] = std::string(kCalls[call]) + "/" + kFamilyNames[family];
  for (const __u32 family : {SOCKWARD_FAMILY_INET, SOCKWARD_FAMILY_INET6})
    labels[sockward_outcome_row(family)] = std::string("outcome/") + kFamilyNames[family];
  return axis_of(labels);
}

std::string slots() {
  std::string axis = "0.." + std::to_string(SOCKWARD_ERRNO_LAST) + ",other";
  for (int unused = SOCKWARD_SLOT_OTHER + 1; unused < SOCKWARD_SLOTS; ++unused) axis += ",-";
  return axis;
}

std::string probes() {
  std::vector<std::string> labels(kCalls.begin(), kCalls.end());
  labels.insert(labels.end(), {"sysctl", "exec", "exit"});
#define SOCKWARD_NAME(VARIANT, variant, CALL, call, ...) labels.emplace_back(#variant "_" #call);
  SOCKWARD_VARIANTS(SOCKWARD_NAME)
#undef SOCKWARD_NAME
  return axis_of(labels);
}

}  // namespace

const char* const kLayoutOfVersion3 =
    "sockward counters 1\n"
    "records 3 bind,connect,listen,unlink,unlinkat,sethostname,setdomainname,openat2,open_tree,mount,"
    "move_mount\n"
    "block counters 33024\n"
    "block key 16\n"
    "block settled 320\n"
    "counters.calls 0 8 "
    "bind/unix,bind/inet,bind/inet6,bind/netlink,bind/vsock,bind/other,bind/none,"
    "connect/unix,connect/inet,connect/inet6,connect/netlink,connect/vsock,connect/other,connect/none,"
    "listen/unix,listen/inet,listen/inet6,listen/netlink,listen/vsock,listen/other,listen/none,"
    "unlink,unlinkat,sethostname,setdomainname,openat2,open_tree,mount,move_mount "
    "0..133,other,-\n"
    "counters.path_lengths 31552 8 0..108,longer\n"
    "counters.path_length_sum 32432 8\n"
    "counters.hostname_changes 32440 8 container,host syscall,sysctl,io_uring,compat hostname,domainname\n"
    "counters.sequence 32568 8 "
    "bind,connect,listen,unlink,unlinkat,sethostname,setdomainname,openat2,open_tree,mount,move_mount,"
    "sysctl,exec,exit,uring_bind,uring_connect,denied_bind,denied_connect,denied_listen,denied_unlink,"
    "denied_unlinkat,compat_unlink,compat_unlinkat,compat_openat2,compat_open_tree,compat_mount,"
    "compat_move_mount,uring_unlinkat,denied_sethostname,denied_setdomainname,compat_sethostname,"
    "compat_setdomainname\n"
    "counters.ring_full 32824 8\n"
    "counters.source_table_full 32832 8\n"
    "counters.exec_arguments_unread 32840 8\n"
    "counters.uts_created 32848 8 clone,unshare\n"
    "counters.names_bound 32864 8 path,other\n"
    "counters.names_new 32880 8\n"
    "counters.generation 32888 4\n"
    "counters.suppressed 32896 8\n"
    "settled.sequence 0 8 "
    "bind,connect,listen,unlink,unlinkat,sethostname,setdomainname,openat2,open_tree,mount,move_mount,"
    "sysctl,exec,exit,uring_bind,uring_connect,denied_bind,denied_connect,denied_listen,denied_unlink,"
    "denied_unlinkat,compat_unlink,compat_unlinkat,compat_openat2,compat_open_tree,compat_mount,"
    "compat_move_mount,uring_unlinkat,denied_sethostname,denied_setdomainname,compat_sethostname,"
    "compat_setdomainname\n"
    "settled.folded 256 8\n"
    "settled.lost 264 8 queue_full,decode,output,restart\n"
    "settled.dropped 296 8\n"
    "key.container 0 8\n"
    "key.row 8 2\n"
    "key.slot 10 2\n";

CountersLayout own_layout() {
  CountersLayout layout{.records = std::to_string(SOCKWARD_WIRE_VERSION) + " " + axis_of(kCalls),
                        .blocks = {{"counters", sizeof(sockward_cpu_counters)},
                                   {"settled", sizeof(sockward_settled)},
                                   {"key", sizeof(sockward_source_key)}},
                        .fields = {}};
  const auto add = [&](const char* name, std::size_t offset, std::uint32_t bytes,
                       std::vector<std::string> axes = {}) {
    layout.fields.push_back({name, static_cast<std::uint32_t>(offset), bytes, std::move(axes)});
  };
#define SOCKWARD_FIELD(block, type, field, ...) \
  add(#block "." #field, offsetof(type, field), sizeof(__u64) __VA_OPT__(, {__VA_ARGS__}))
#define SOCKWARD_COUNTER(field, ...) \
  SOCKWARD_FIELD(counters, sockward_cpu_counters, field __VA_OPT__(, ) __VA_ARGS__)
#define SOCKWARD_SETTLED(field, ...) \
  SOCKWARD_FIELD(settled, sockward_settled, field __VA_OPT__(, ) __VA_ARGS__)
  SOCKWARD_COUNTER(calls, rows(), slots());
  SOCKWARD_COUNTER(path_lengths, "0.." + std::to_string(SOCKWARD_PATH_LENGTHS - 2) + ",longer");
  SOCKWARD_COUNTER(path_length_sum);
  SOCKWARD_COUNTER(hostname_changes, "container,host", "syscall,sysctl,io_uring,compat",
                   "hostname,domainname");
  SOCKWARD_COUNTER(sequence, probes());
  SOCKWARD_COUNTER(ring_full);
  SOCKWARD_COUNTER(source_table_full);
  SOCKWARD_COUNTER(exec_arguments_unread);
  SOCKWARD_COUNTER(uts_created, "clone,unshare");
  SOCKWARD_COUNTER(names_bound, "path,other");
  SOCKWARD_COUNTER(names_new);
  add("counters.generation", offsetof(sockward_cpu_counters, generation), sizeof(__u32));
  SOCKWARD_COUNTER(suppressed);
  SOCKWARD_COUNTER(connects_untracked);
  SOCKWARD_SETTLED(sequence, probes());
  SOCKWARD_SETTLED(folded);
  SOCKWARD_SETTLED(lost, "queue_full,decode,output,restart");
  SOCKWARD_SETTLED(dropped);
  add("key.container", offsetof(sockward_source_key, container_key), sizeof(__u64));
  add("key.row", offsetof(sockward_source_key, row), sizeof(__u16));
  add("key.slot", offsetof(sockward_source_key, slot), sizeof(__u16));
#undef SOCKWARD_SETTLED
#undef SOCKWARD_COUNTER
#undef SOCKWARD_FIELD
  return layout;
}

}  // namespace sockward
