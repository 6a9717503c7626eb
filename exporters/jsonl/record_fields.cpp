#include "jsonl/record_fields.hpp"

#include "base/printable.hpp"

namespace sockward {
namespace {

using Json = rapidjson::Value;

std::string text_of(const Json* value) {
  if (value == nullptr || !value->IsString()) return "";
  return printable({value->GetString(), value->GetStringLength()}).text;
}

std::uint32_t small_number_in(const Json& object, const char* key) {
  const std::uint64_t number = number_in(object, key);
  return number <= UINT32_MAX ? static_cast<std::uint32_t>(number) : 0;
}

}  // namespace

const Json* member(const Json& object, const char* key) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(key);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string text_in(const Json& object, const char* key) {
  return text_of(member(object, key));
}

std::uint64_t number_in(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value != nullptr && value->IsUint64() ? value->GetUint64() : 0;
}

std::vector<std::string> texts_in(const Json& object, const char* key) {
  std::vector<std::string> texts;
  const Json* list = member(object, key);
  if (list == nullptr || !list->IsArray()) return texts;
  for (const Json& item : list->GetArray()) texts.push_back(text_of(&item));
  return texts;
}

std::optional<Holder> holder_in(const Json& attributes) {
  const std::string kind = text_in(attributes, "sockward.holder.kind");
  if (kind.empty()) return std::nullopt;
  return Holder{.kind = kind == "kernel" ? Holder::Kind::kernel
                        : kind == "gone" ? Holder::Kind::gone
                                         : Holder::Kind::process,
                .pid = small_number_in(attributes, "sockward.holder.pid"),
                .uid = small_number_in(attributes, "sockward.holder.user.id"),
                .comm = text_in(attributes, "sockward.holder.comm"),
                .container = text_in(attributes, "sockward.holder.container"),
                .unit = text_in(attributes, "sockward.holder.unit")};
}

}  // namespace sockward
