#pragma once
#include <optional>
#include <string>

#include "diagnose/finding.hpp"
#include "host/audit/denial_view.hpp"

namespace sockward {

class Facts;

/// A refusal in the kernel's audit messages that belongs to the call.
struct DenialFact {
  AuditedDenial denial;
  /// Proven: it names what the call was about, so that no other call of the process can have left it.
  Standing standing;
  /// Refusals that fit as well name other profiles or contexts.
  bool ambiguous = false;

  std::string module() const;    ///< "AppArmor"
  std::string evidence() const;  ///< one sentence; printable
  std::string advice() const;    ///< what to change in the policy; printable
  std::string profile() const;   ///< the profile or source context; printable; empty when ambiguous
};

/// The refusal of this call by AppArmor or SELinux, as their audit message has it. nullopt: none is there.
std::optional<DenialFact> denial_of_call(const Facts& facts, const DenialView& denials);

/// How well a refusal fits a call of the same process at the same time.
enum class DenialFit {
  no,       ///< another operation, or another name
  perhaps,  ///< the operation; the message does not name what it was about, or not all of it
  yes       ///< the operation and the name
};
DenialFit fit_of(const AuditedDenial& denial, const Facts& facts);

}  // namespace sockward
