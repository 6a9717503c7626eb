#pragma once
#include <string>

#include "record/record.hpp"
#include "record/resource.hpp"

namespace sockward {

/// One record as one line of JSON (docs/records.schema.json), without the newline. Valid UTF-8 whatever the
/// names hold. Pure.
std::string to_json(const Record& record, CommandArgs arguments = CommandArgs::off);

}  // namespace sockward
