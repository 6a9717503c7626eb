// sockward: says why a socket could not be bound or reached, and who renamed the host.
#include <cstdio>
#include <exception>

#include "base/startup_error.hpp"
#include "cli/flags.hpp"

int main(int argc, char** argv) {
  try {
    return sockward::run_command_line(argc, argv);
  } catch (const sockward::StartupError& error) {
    std::fprintf(stderr, "sockward: %s\n  next: %s\n", error.what(), error.next_step().c_str());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sockward: unexpected: %s\n  next: this is a defect; please report it\n",
                 error.what());
    return 1;
  }
}
