#pragma once
#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// Decodes one record of the ring buffer (sockward/event.h). Checks every length: any bytes are safe to pass.
/// Error: the record is not of this version, or its lengths contradict each other. Thread-safe.
Result<Event> decode(std::span<const std::byte> record);

}  // namespace sockward
