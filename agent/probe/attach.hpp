#pragma once
#include <optional>
#include <string>
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

/// What came of attaching one operation.
struct AttachedOperation {
  ProbeStatus status;
  std::vector<Attachment> attachments;   ///< of all its programs, or of none
  std::optional<AttachFailure> failure;  ///< of the program because of which there are none
};

/// Attaches the programs of one operation, all of them or none.
AttachedOperation attach_operation(const bpf_object* object, const OperationPlan& operation,
                                   const KernelFeatures& features, const ProbeOptions& options);

}  // namespace sockward
