#include "probe/statistics.hpp"

#include <bpf/bpf.h>

#include "base/result.hpp"
#include "base/startup_error.hpp"

namespace sockward {

FileDescriptor enable_bpf_statistics() {
  FileDescriptor statistics(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!statistics.valid())
    throw failure(last_error("enable the kernel's BPF statistics").text(),
                  "it needs CAP_SYS_ADMIN; or omit --bpf.stats");
  return statistics;
}

}  // namespace sockward
