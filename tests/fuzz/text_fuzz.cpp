// Any text: cgroup paths, /proc files, mount tables, settings, listen addresses, Host headers. The first byte
// chooses.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "config/settings.hpp"
#include "enrich/cgroups.hpp"
#include "enrich/container_path.hpp"
#include "enrich/proc_host.hpp"
#include "event/socket_address.hpp"
#include "http/server.hpp"

namespace {

template <class Parse>
void refuse_or_take(Parse parse) {
  try {
    parse();
  } catch (const sockward::StartupError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockward;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      (void)container_from_cgroup(text).label();
      break;
    case 1:
      (void)start_ticks_of(text);
      break;
    case 2:
      (void)cgroup_of(text, "pids");
      break;
    case 3:
      (void)choose_hierarchy(text, text);
      break;
    case 4:
      refuse_or_take([&] { parse_settings(text, "f.yml"); });
      break;
    case 5:
      refuse_or_take([&] { parse_listen_address(text); });
      break;
    case 6:
      (void)host_is_accepted(text, {"a"});
      break;
    default:
      (void)address_text(parse_socket_address({.bytes = text})), (void)base64(printable(text).text);
  }
  return 0;
}
