// sockward detach: removes what an agent has left in the kernel.
#include <sys/stat.h>

#include <cstdio>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "probe/probe_set.hpp"

namespace sockward {

int detach_command(const DetachFlags& flags) {
  const std::size_t programs = ProbeSet::detach(flags.pin_path);
  if (programs == 0)
    std::printf("nothing is attached: no programs are pinned in %s\n",
                printable(flags.pin_path).text.c_str());
  else
    std::printf("%zu programs detached, and their counters removed\n", programs);
  return 0;
}

}  // namespace sockward
