#pragma once
#include <vector>

#include "probe/loader.hpp"

namespace sockward {

/// Attaches one loaded program as its name says.
Result<Link> attach_program(const bpf_program* program, const KernelFeatures& features,
                            const ProbeOptions& options);

/// A program that could not be attached.
struct AttachFailure {
  std::string program, reason;
};

/// Attaches the programs of one operation, all of them or none, and adds them to `attachments`.
ProbeStatus attach_operation(const bpf_object* object, const OperationPlan& operation,
                             const KernelFeatures& features, const ProbeOptions& options,
                             std::vector<Attachment>& attachments, std::vector<AttachFailure>& failures);

}  // namespace sockward
