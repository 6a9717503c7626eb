#include "record/message.hpp"

#include "base/printable.hpp"

namespace sockward {

std::string message_of(const Record& record) {
  std::string text = body_of(record);
  if (const std::string holder = holder_text(record.diagnosis); !holder.empty()) text += ": " + holder;
  if (!record.diagnosis.advice.empty()) text += ". Next: " + printable(record.diagnosis.advice).text;
  return text;
}

}  // namespace sockward
