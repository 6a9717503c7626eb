// Any bytes from the ring buffer: decoded or refused, and what was decoded can be shown, as valid JSON.
#include <rapidjson/document.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "event/decode.hpp"
#include "jsonl/json_record.hpp"
#include "terminal/terminal_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockward;
  auto event = decode({reinterpret_cast<const std::byte*>(data), size});
  if (!event) return 0;
  const Record record{.event = std::move(*event)};
  rapidjson::Document json;
  json.Parse<rapidjson::kParseValidateEncodingFlag>(to_json(record).c_str());
  if (json.HasParseError() || !json.IsObject()) std::abort();
  (void)to_terminal(record, {});
  return 0;
}
