#pragma once
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "host/audit/audited_denial.hpp"

namespace sockward {

/// The longest message that is read: MAX_AUDIT_MESSAGE_LENGTH of include/linux/audit.h.
inline constexpr std::size_t kLongestAuditMessage = 8970;

/// Reads the text of an AUDIT_AVC message: `audit(SECONDS.MILLISECONDS:SERIAL): fields`. Names that programs
/// chose stand in quotes, or in hexadecimal digits where they have blanks, quotes or bytes that are not
/// printable (audit_log_untrustedstring()), so that none of them can look like a field.
/// nullopt: it is no refusal (AppArmor's complain mode, SELinux's permissive mode, a status). Error: it
/// cannot be understood. Pure.
Result<std::optional<AuditedDenial>> denial_in(std::string_view text);

}  // namespace sockward
