#pragma once
#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/diagnosis.hpp"

namespace sockward {

// Reading records back that were written as JSON, by this version or another one. They may come from any
// file: what is missing, or has another type, is empty or 0, and all text is printable. Pure.

/// Of an object; nullptr: it has none of that name, or is no object.
const rapidjson::Value* member(const rapidjson::Value& object, const char* key);
std::string text_in(const rapidjson::Value& object, const char* key);
std::uint64_t number_in(const rapidjson::Value& object, const char* key);
std::vector<std::string> texts_in(const rapidjson::Value& object, const char* key);
/// From a record's attributes.
std::optional<Holder> holder_in(const rapidjson::Value& attributes);

}  // namespace sockward
