#pragma once
#include <string>

namespace sockward {

/// For HTML text and attributes in double quotes. Pure.
std::string escape_html(const std::string& text);

}  // namespace sockward
