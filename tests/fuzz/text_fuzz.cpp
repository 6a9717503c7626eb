// Any text: cgroup paths, /proc files, mount tables, settings, web configurations, listen addresses, Host
// headers, arguments and messages of programs, audit messages, messages between the two processes. The first
// byte chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/wanted_address.hpp"
#include "config/settings.hpp"
#include "config/web_config.hpp"
#include "diagnose/refusal_message.hpp"
#include "diagnose/socket_argument.hpp"
#include "event/socket_address.hpp"
#include "host/audit/audit_message.hpp"
#include "host/containers/cgroups.hpp"
#include "host/containers/container_path.hpp"
#include "host/network/proc_net.hpp"
#include "host/paths/mountinfo.hpp"
#include "host/process/proc_text.hpp"
#include "http/authentication.hpp"
#include "http/page_channel.hpp"
#include "http/server.hpp"

namespace {

template <class Parse>
void refuse_or_take(Parse parse) {
  try {
    parse();
  } catch (const sockward::StartupError&) {
  }
}

/// What was taken is written in the same words, up to what has several: it is taken again.
template <class Message, class Decode>
void same_again(const std::optional<Message>& message, const std::string& text, Decode decode) {
  if (!message) return;
  const std::string again = sockward::encode(*message);
  if (again.size() > text.size() || !decode(again)) std::abort();
}

}  // namespace

// Longer than 60 lines on purpose: a flat table, one case for each parser of text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockward;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 16) {
    case 0:
      (void)container_from_cgroup(text).label();
      break;
    case 1:
      (void)start_ticks_of(text);
      (void)denial_in(text), (void)denial_in("audit(1.000:1): " + text);
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
    case 7:
      same_again(decode_page(text), text, decode_page);
      same_again(decode_response(text), text, decode_response);
      same_again(decode_start(text), text, decode_start);
      break;
    case 8:
      refuse_or_take([&] { parse_web_config(text, "w.yml"); });
      break;
    case 9:
      (void)refusal_in(text);
      break;
    case 10:
      (void)overlong_socket_path({.text = text, .before = text.substr(0, 16)});
      break;
    case 11:
      (void)from_base64(text);
      break;
    case 12:
      for_each_mount(text, [](const MountLine& line) {
        (void)to_mount_point(line), (void)mounted_namespace(line, "net");
      });
      (void)id_mapping_of(text, {1, 22}), (void)credentials_of(text);
      break;
    case 13: {
      std::vector<PortUse> uses;
      add_port_uses(text, 80, uses);
      (void)lists_socket_named(text, "x.sock"), (void)lists_socket_named(text, text);
      const SocketAddress any = parse_socket_address({.bytes = text});
      (void)find_connection(text, any, any);
      break;
    }
    case 14:
      refuse_or_take([&] { parse_wanted_address("unix:" + text); });
      break;
    default:
      (void)address_text(parse_socket_address({.bytes = text})), (void)base64(printable(text).text);
  }
  return 0;
}
