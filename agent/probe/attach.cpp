#include "probe/attach.hpp"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file_descriptor.hpp"

namespace sockward {
namespace {

int perf_event_of_tracepoint(int id) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof(attributes);
  attributes.config = static_cast<__u64>(id);
  // One event on one CPU is enough: the program is attached to the tracepoint itself.
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC));
}

Result<Link> attach_tracepoint(const bpf_program* program, const Tracepoints& tracepoints) {
  const std::string target = target_of(program);
  const auto id = tracepoints.id_of(target);
  if (!id) return id.error();
  FileDescriptor event(perf_event_of_tracepoint(*id));
  if (!event.valid()) return last_error("perf_event_open of " + target + " (see kernel.perf_event_paranoid)");
  Link link(bpf_program__attach_perf_event(program, event.get()));
  if (!link) return last_error("attach to tracepoint " + target);
  event.release();  // the link closes it
  return link;
}

}  // namespace

Result<Link> attach_program(const bpf_program* program, const KernelFeatures& features,
                            const ProbeOptions& options) {
  const Backend backend = parse_program_name(bpf_program__name(program)).backend;
  if (backend == Backend::tracepoint) return attach_tracepoint(program, *features.tracepoints);
  if (backend == Backend::cgroup) {
    const FileDescriptor root(open(options.cgroup2_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) return last_error("open " + options.cgroup2_root);
    Link link(bpf_program__attach_cgroup(program, root.get()));
    if (!link) return last_error("attach to cgroup " + options.cgroup2_root);
    return link;
  }
  Link link(backend == Backend::iterator ? bpf_program__attach_iter(program, nullptr)
                                         : bpf_program__attach(program));
  if (!link) return last_error(std::string("attach ") + bpf_program__section_name(program));
  return link;
}

AttachedOperation attach_operation(const bpf_object* object, const OperationPlan& operation,
                                   const KernelFeatures& features, const ProbeOptions& options) {
  AttachedOperation done{.status = {.operation = operation.operation,
                                    .backend = operation.backend,
                                    .attached = false,
                                    .reason = operation.reason,
                                    .optional = operation.optional},
                         .attachments = {},
                         .failure = {}};
  for (const std::string& name : operation.programs) {
    auto link = attach_program(bpf_object__find_program_by_name(object, name.c_str()), features, options);
    if (!link) {
      done.status.backend = Backend::none;
      done.status.reason = link.error().text();
      done.failure = AttachFailure{name, done.status.reason};
      done.attachments.clear();
      return done;
    }
    done.attachments.push_back({name, std::move(*link)});
  }
  done.status.attached = !done.attachments.empty();
  return done;
}

}  // namespace sockward
