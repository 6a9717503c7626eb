// Any text: cgroup paths, /proc files, mount tables, settings, web configurations, listen addresses, Host
// headers, arguments and messages of programs, audit messages, messages between the two processes, files of
// container runtimes. The first byte chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
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
#include "host/containers/names/name_source.hpp"
#include "host/network/proc_net.hpp"
#include "host/paths/mountinfo.hpp"
#include "host/process/proc_text.hpp"
#include "host/units/systemd_sockets.hpp"
#include "http/authentication.hpp"
#include "http/page_channel.hpp"
#include "http/server.hpp"

using namespace sockward;

namespace {

template <class Parse>
void refuse_or_take(Parse parse) {
  try {
    parse();
  } catch (const StartupError&) {
  }
}

/// What was taken is written in the same words, up to what has several: it is taken again.
template <class Message, class Decode>
void same_again(const std::optional<Message>& message, const std::string& text, Decode decode) {
  if (!message) return;
  const std::string again = encode(*message);
  if (again.size() > text.size() || !decode(again)) std::abort();
}

void read_cgroup(const std::string& text) {
  const ContainerIdentity container = container_from_cgroup(text);
  (void)container.label(), (void)unit_from_cgroup(text);
  (void)names_from_log(text, container.id), (void)names_from_log(text, text.substr(0, 4));
}

void read_process(const std::string& text) {
  (void)start_ticks_of(text);
  (void)denial_in(text), (void)denial_in("audit(1.000:1): " + text);
}

void read_cgroup_file(const std::string& text) {
  (void)cgroup_of(text, "pids");
}

void read_mounts_of_cgroups(const std::string& text) {
  (void)choose_hierarchy(text, text);
}

void read_settings(const std::string& text) {
  refuse_or_take([&] { parse_settings(text, "f.yml"); });
}

void read_listen_address(const std::string& text) {
  refuse_or_take([&] { parse_listen_address(text); });
}

void read_host_header(const std::string& text) {
  (void)host_is_accepted(text, {"a"});
}

void read_message_of_process(const std::string& text) {
  same_again(decode_page(text), text, decode_page);
  same_again(decode_response(text), text, decode_response);
  same_again(decode_start(text), text, decode_start);
}

void read_web_config(const std::string& text) {
  refuse_or_take([&] { parse_web_config(text, "w.yml"); });
}

void read_refusal(const std::string& text) {
  (void)refusal_in(text);
}

void read_argument(const std::string& text) {
  (void)overlong_socket_path({.text = text, .before = text.substr(0, 16)});
}

void read_base64(const std::string& text) {
  (void)from_base64(text);
}

void read_mounts(const std::string& text) {
  for_each_mount(
      text, [](const MountLine& line) { (void)to_mount_point(line), (void)mounted_namespace(line, "net"); });
  (void)id_mapping_of(text, {1, 22}), (void)credentials_of(text);
}

void read_proc_net(const std::string& text) {
  std::vector<PortUse> uses;
  add_port_uses(text, 80, uses);
  (void)lists_socket_named(text, "x.sock"), (void)lists_socket_named(text, text);
  const SocketAddress any = parse_socket_address({.bytes = text});
  (void)find_connection(text, any, any);
}

void read_wanted_address(const std::string& text) {
  refuse_or_take([&] { parse_wanted_address("unix:" + text); });
}

void read_sockaddr(const std::string& text) {
  const SocketAddress address = parse_socket_address({.bytes = text});
  (void)address_text(address), (void)base64(printable(text).text);
  SocketCall call;
  call.address = address;
  (void)is_address_of({.unit = "x.socket", .kind = "Stream", .address = text}, call);
}

void read_container_file(const std::string& text) {
  (void)json_text_at(text, {"Name"}), (void)json_text_at(text, {"annotations", "nerdctl/name"});
}

using Target = void (*)(const std::string& text);
// In this order: the seeds' first byte chooses.
constexpr Target kTargets[] = {
    read_cgroup,        read_process,        read_cgroup_file,    read_mounts_of_cgroups,
    read_settings,      read_listen_address, read_host_header,    read_message_of_process,
    read_web_config,    read_refusal,        read_argument,       read_base64,
    read_mounts,        read_proc_net,       read_wanted_address, read_sockaddr,
    read_container_file};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kTargets[data[0] % std::size(kTargets)](std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
