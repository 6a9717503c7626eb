// What the loaded kernel side costs calls that it does not watch.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <syscall_work.skel.h>

#include "bpf/kernel_fixture.hpp"

namespace sockward::test {
namespace {

struct Tasks {
  std::size_t all = 0, traced = 0;
};

/// Tasks of the machine, and those whose every system call goes by the tracing path.
Tasks look_at_tasks() {
  Tasks tasks;
  syscall_work_bpf* skeleton = syscall_work_bpf::open_and_load();
  if (skeleton == nullptr) return tasks;
  bpf_link* link = bpf_program__attach_iter(skeleton->progs.syscall_work_iter, nullptr);
  const int fd = link == nullptr ? -1 : bpf_iter_create(bpf_link__fd(link));
  char answers[4096];
  for (ssize_t bytes = 0; fd >= 0 && (bytes = read(fd, answers, sizeof(answers))) > 0;) {
    tasks.all += static_cast<std::size_t>(bytes);
    tasks.traced += static_cast<std::size_t>(std::count(answers, answers + bytes, 1));
  }
  if (fd >= 0) close(fd);
  bpf_link__destroy(link);
  syscall_work_bpf::destroy(skeleton);
  return tasks;
}

using Cost = Kernel;

TEST_F(Cost, OtherCallsTakeTheirOwnPathUnlessASyscallTracepointIsUsed) {
  const auto probes = kernel->probes().probes();
  const bool tracepoints = std::any_of(probes.begin(), probes.end(), [](const ProbeStatus& probe) {
    return probe.attached && probe.backend == Backend::tracepoint;
  });
  const Tasks tasks = look_at_tasks();
  ASSERT_GT(tasks.all, 1u);
  if (tracepoints) {
    EXPECT_GT(tasks.traced, tasks.all / 2) << "the kernel flags every task";
  } else {
    EXPECT_EQ(tasks.traced, 0u) << "of " << tasks.all;
  }
}

}  // namespace
}  // namespace sockward::test
