#include "record/context.hpp"

#include "base/printable.hpp"

namespace sockward {

std::string ContainerIdentity::label() const {
  constexpr std::size_t kLongest = 64, kShortId = 12;
  if (is_host()) return "host";
  std::string text = printable(runtime + ":" + (name.empty() ? id.substr(0, kShortId) : name)).text;
  if (text.size() <= kLongest) return text;
  std::size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
  return text.substr(0, cut);
}

}  // namespace sockward
