#pragma once
#include <string_view>

#include "record/cause.hpp"

namespace sockward {

/// MESSAGE_ID of journal entries with this cause (systemd.journal-fields(7)): 32 hex digits. The catalog
/// (packaging/systemd/sockward.catalog, made by scripts/make-catalog) explains each: `journalctl -x`.
std::string_view message_id_of(Cause cause);

}  // namespace sockward
