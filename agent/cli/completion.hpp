#pragma once
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace sockward {

/// A completion script for "bash", "zsh" or "fish": every command, its long options, and the values of those
/// that take one of a few. Pure.
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace sockward
