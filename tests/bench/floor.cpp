// The empty observer that scripts/cost measures beside sockward: `floor fexit|tracepoint|raw` attaches
// the counting programs of floor.bpf.c, says "attached" and stays. At SIGTERM it prints what the kernel
// measured of each (kernel.bpf_stats_enabled): PROGRAM name runs nanoseconds.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <signal.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "floor.skel.h"

namespace {

/// "bind_fexit" belongs to fexit, "bind_tp" to tracepoint, "calls_raw" to raw, all others to each.
bool belongs_to(const char* program, const std::string& backend) {
  const std::string name(program);
  if (name.ends_with("_fexit")) return backend == "fexit";
  if (name.ends_with("_tp")) return backend == "tracepoint";
  if (name.ends_with("_raw")) return backend == "raw";
  return true;
}

void print_runs(const bpf_program* program) {
  bpf_prog_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) return;
  std::printf("PROGRAM %s %llu %llu\n", bpf_program__name(program), info.run_cnt, info.run_time_ns);
}

/// Attaches, and stays until SIGTERM.
bool observe(floor_bpf* skeleton, const std::string& backend) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->obj)
      bpf_program__set_autoload(program, belongs_to(bpf_program__name(program), backend));
  if (floor_bpf__load(skeleton) != 0 || floor_bpf__attach(skeleton) != 0) return false;
  std::puts("attached");
  std::fflush(stdout);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  int signal = 0;
  sigwait(&ends, &signal);
  bpf_object__for_each_program(program, skeleton->obj) if (bpf_program__fd(program) >= 0) print_runs(program);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string backend = argc == 2 ? argv[1] : "";
  if (backend != "fexit" && backend != "tracepoint" && backend != "raw") {
    std::fprintf(stderr, "floor: which programs? next: floor fexit, floor tracepoint, or floor raw\n");
    return 2;
  }
  // Before the parent is told that it may send the signal.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  floor_bpf* skeleton = floor_bpf__open();
  const bool worked = skeleton != nullptr && observe(skeleton, backend);
  if (!worked)
    std::fprintf(stderr, "floor: cannot attach (%s); next: become root, on a kernel with BTF\n",
                 std::strerror(errno));
  floor_bpf__destroy(skeleton);
  return worked ? 0 : 1;
}
