// sockward: says why a socket could not be bound or reached, and who renamed the host.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"

namespace {

/// Words of the command line and of files may be in it. The lines of a verifier's log stay lines.
std::string shown(std::string_view message) {
  std::string text;
  for (;;) {
    const std::size_t end = message.find('\n');
    text += sockward::printable(message.substr(0, end)).text;
    if (end == std::string_view::npos) return text;
    text += '\n';
    message.remove_prefix(end + 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return sockward::run_command_line(argc, argv);
  } catch (const sockward::StartupError& error) {
    std::fprintf(stderr, "sockward: %s\n  next: %s\n", shown(error.what()).c_str(),
                 shown(error.next_step()).c_str());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sockward: unexpected: %s\n  next: this is a defect; please report it\n",
                 shown(error.what()).c_str());
    return 1;
  }
}
