// Which audit message belongs to a call. A message has the process (not the thread), the time to a few
// milliseconds, what was refused, and mostly a name. Only the name tells calls of two threads, or two calls
// in a row, from each other: without it the message proves nothing for this call alone.
#include "diagnose/denial_fact.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/printable.hpp"
#include "diagnose/facts.hpp"

namespace sockward {
namespace {

using Module = AuditedDenial::Module;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Is one of the permissions of a message ("write add_name") among these?
bool has_one_of(std::string_view permissions, std::initializer_list<std::string_view> words) {
  while (!permissions.empty()) {
    const std::size_t end = std::min(permissions.find(' '), permissions.size());
    if (is_one_of(permissions.substr(0, end), words)) return true;
    permissions.remove_prefix(std::min(end + 1, permissions.size()));
  }
  return false;
}

std::string_view last_component(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

/// Without "." and empty components; "..", which the kernel resolves behind links, makes it no path to
/// compare.
std::optional<std::string> plain_path(std::string_view path) {
  std::string plain;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part == "..") return std::nullopt;
    if (!part.empty() && part != ".") plain.append("/").append(part);
  }
  return plain.empty() ? "/" : plain;
}

/// Is this whole path that of the call? As the caller wrote it, or with links followed.
bool is_path_of_call(const std::string& path, const Facts& facts) {
  const auto wanted = plain_path(path), written = plain_path(resolved_path(facts.event).value_or(".."));
  if (!wanted) return false;
  if (written && *written == *wanted) return true;
  const PathFacts& way = facts.way();
  if (!way.known() || way.trace.searched.empty()) return false;
  if (way.trace.object && way.trace.object->path == *wanted) return true;
  const std::string& folder = way.trace.searched.back().path;
  return plain_path(folder + "/" + std::string(last_component(*way.path))) == wanted;
}

/// Do modes and capabilities allow the call, and is that proven? They are asked before the modules are.
bool modes_allow(const Facts& facts) {
  const PermissionReplay& replay = facts.permissions();
  return replay.known && !replay.denial && !replay.changed_since && replay.standing.proven();
}

DenialFit fit_of_whole_path(const AuditedDenial& denial, const Facts& facts) {
  if (is_path_of_call(denial.name, facts)) return DenialFit::yes;
  // A root of its own, or links that cannot be followed any more.
  const auto written = resolved_path(facts.event);
  return written && last_component(*written) == last_component(denial.name) ? DenialFit::perhaps
                                                                            : DenialFit::no;
}

/// SELinux, of a file: its number where it has one, and the last component.
DenialFit fit_of_file(const AuditedDenial& denial, const Facts& facts) {
  const auto written = resolved_path(facts.event);
  if (!written) return DenialFit::perhaps;
  const PathFacts& way = facts.way();
  const bool seen = way.known() && way.trace.object.has_value();
  if (denial.inode && seen && way.trace.object->object.inode != *denial.inode) return DenialFit::no;
  const bool same_name = last_component(*written) == denial.name;
  const bool followed = way.known() && !way.trace.links.empty();
  if (!same_name && !followed) return DenialFit::no;
  return same_name && modes_allow(facts) ? DenialFit::yes : DenialFit::perhaps;
}

/// SELinux, of a directory on the way.
DenialFit fit_of_directory(const AuditedDenial& denial, const Facts& facts) {
  const PathFacts& way = facts.way();
  if (!way.known() || !denial.inode) return DenialFit::perhaps;
  const auto& searched = way.trace.searched;
  const bool passed = std::any_of(searched.begin(), searched.end(),
                                  [&](const PathStep& step) { return step.object.inode == *denial.inode; });
  if (!passed) return DenialFit::no;
  return modes_allow(facts) ? DenialFit::yes : DenialFit::perhaps;
}

bool is_path_call(const Facts& facts) {
  return facts.is_unix_path() || removes_name(facts.event.syscall);
}

std::optional<std::uint16_t> port_in(const AuditedDenial& denial, Syscall syscall) {
  return syscall == Syscall::connect ? denial.destination_port : denial.source_port;
}

/// What the message says of the socket's address.
DenialFit fit_of_address(const AuditedDenial& denial, const Facts& facts) {
  const SocketAddress& address = facts.socket()->address;
  if (const auto port = port_in(denial, facts.event.syscall); port && address.is_inet())
    return *port == address.port ? DenialFit::yes : DenialFit::no;
  if (!denial.whole_path) return DenialFit::perhaps;
  if (facts.is_unix_path()) return fit_of_whole_path(denial, facts);
  if (!facts.is_abstract()) return DenialFit::perhaps;
  const std::string_view name = denial.name;
  if (name.starts_with('\0') || is_plain(address.name))
    return name.substr(1) == address.name ? DenialFit::yes : DenialFit::no;
  return DenialFit::perhaps;
}

DenialFit fit_of_apparmor_socket(const AuditedDenial& denial, const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (call == nullptr || denial.operation != to_string(facts.event.syscall)) return DenialFit::no;
  constexpr std::array<std::pair<std::string_view, int>, 3> kFamilies = {
      {{"unix", AF_UNIX}, {"inet", AF_INET}, {"inet6", AF_INET6}}};
  for (const auto& [name, family] : kFamilies)
    if (denial.family == name && call->family != family) return DenialFit::no;
  constexpr std::array<std::pair<std::string_view, int>, 3> kTypes = {
      {{"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM}, {"seqpacket", SOCK_SEQPACKET}}};
  for (const auto& [name, type] : kTypes)
    if (denial.type == name && call->type != type) return DenialFit::no;
  return fit_of_address(denial, facts);
}

DenialFit fit_of_apparmor(const AuditedDenial& denial, const Facts& facts) {
  const Syscall syscall = facts.event.syscall;
  if (!denial.family.empty() || !denial.whole_path) return fit_of_apparmor_socket(denial, facts);
  if (!is_path_call(facts)) return DenialFit::no;
  const bool fits = removes_name(syscall)      ? is_one_of(denial.operation, {"unlink", "rmdir"})
                    : syscall == Syscall::bind ? is_one_of(denial.operation, {"mknod", "bind"})
                                               : denial.operation == to_string(syscall);
  return fits ? fit_of_whole_path(denial, facts) : DenialFit::no;
}

bool is_socket_class(std::string_view kind) {
  return kind == "socket" || kind.ends_with("_socket");
}

/// Is it the class of a socket like that of the call?
bool fits_socket_class(std::string_view kind, const SocketCall& call) {
  if (kind.starts_with("unix_")) return call.family == AF_UNIX;
  if (kind == "tcp_socket") return call.address.is_inet() && call.type == SOCK_STREAM;
  if (kind == "udp_socket") return call.address.is_inet() && call.type == SOCK_DGRAM;
  return call.family != AF_UNIX;
}

DenialFit fit_of_selinux_socket(const AuditedDenial& denial, const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (call == nullptr || !fits_socket_class(denial.kind, *call)) return DenialFit::no;
  const Syscall syscall = facts.event.syscall;
  const bool fits = syscall == Syscall::bind
                        ? has_one_of(denial.operation, {"name_bind", "node_bind", "bind"})
                    : syscall == Syscall::connect
                        ? has_one_of(denial.operation, {"name_connect", "connect", "connectto", "sendto"})
                        : denial.operation == to_string(syscall);
  return fits ? fit_of_address(denial, facts) : DenialFit::no;
}

DenialFit fit_of_selinux(const AuditedDenial& denial, const Facts& facts) {
  if (is_socket_class(denial.kind)) return fit_of_selinux_socket(denial, facts);
  if (!is_path_call(facts)) return DenialFit::no;
  const bool removes = removes_name(facts.event.syscall), binds = facts.event.syscall == Syscall::bind;
  if (denial.kind == "dir" && !has_one_of(denial.operation, {"rmdir"})) {
    const bool fits = has_one_of(denial.operation, {"search"}) ||
                      (binds && has_one_of(denial.operation, {"write", "add_name"})) ||
                      (removes && has_one_of(denial.operation, {"write", "remove_name"}));
    return fits ? fit_of_directory(denial, facts) : DenialFit::no;
  }
  const bool fits = binds     ? has_one_of(denial.operation, {"create"})
                    : removes ? has_one_of(denial.operation, {"unlink", "rmdir"})
                              : has_one_of(denial.operation, {"write"});
  if (!fits) return DenialFit::no;
  return denial.whole_path ? fit_of_whole_path(denial, facts) : fit_of_file(denial, facts);
}

/// A capability that the call needed, and that only the module took away.
DenialFit fit_of_capability(const AuditedDenial& denial, const Facts& facts) {
  const bool low_port = facts.is_inet() && facts.event.syscall == Syscall::bind;
  return low_port && denial.capability == CAP_NET_BIND_SERVICE ? DenialFit::perhaps : DenialFit::no;
}

Standing standing_of(DenialFit fit, bool ambiguous, const Facts& facts) {
  if (ambiguous)
    return Standing::later(
        "several refusals of this process at this time fit, and name different profiles or contexts");
  // The module's own answer was seen in this very call: that is who gave it.
  if (fit != DenialFit::yes && !facts.event.lsm_refused)
    return Standing::later(
        "the message does not say all of what it was about: another call of this process at the same time "
        "may have been refused");
  return Standing::at_call() && facts.clock();
}

std::string quoted(const std::string& bytes) {
  return printable(bytes).text;
}

/// The name for people; nothing when there is none.
std::string name_text(const AuditedDenial& denial) {
  if (denial.name.starts_with('\0')) return " @" + printable(std::string_view(denial.name).substr(1)).text;
  if (!denial.name.empty()) return " " + quoted(denial.name);
  const auto port = denial.source_port ? denial.source_port : denial.destination_port;
  return port ? fmt::format(" port {}", *port) : "";
}

std::string apparmor_text(const AuditedDenial& denial) {
  std::string text = fmt::format("AppArmor refused {}", quoted(denial.operation));
  if (const std::string name = name_text(denial); !name.empty()) text += " of" + name;
  if (!denial.family.empty())
    text += fmt::format(" on a socket {} {}", quoted(denial.family), quoted(denial.type));
  if (denial.capability) text += fmt::format(" (capability {})", *denial.capability);
  text += fmt::format(" to profile \"{}\"", quoted(denial.subject));
  if (!denial.requested.empty())
    text += fmt::format(": requested {}, denied {}", quoted(denial.requested), quoted(denial.denied));
  if (!denial.info.empty()) text += fmt::format(" ({})", quoted(denial.info));
  return text;
}

std::string selinux_text(const AuditedDenial& denial) {
  std::string text = fmt::format("SELinux refused {} on {}{}", quoted(denial.operation), quoted(denial.kind),
                                 name_text(denial));
  if (denial.capability) text += fmt::format(" {}", *denial.capability);
  return text +
         fmt::format(": source context {}, target context {}", quoted(denial.subject), quoted(denial.object));
}

std::string apparmor_advice(const AuditedDenial& denial) {
  std::string line = "what is needed";
  if (denial.family.empty() && !denial.name.empty())
    line = fmt::format("\"{}\" w,", quoted(denial.name));
  else if (denial.capability == CAP_NET_BIND_SERVICE)
    line = "capability net_bind_service,";
  else if (!denial.family.empty())
    line = fmt::format("network {} {},", quoted(denial.family), quoted(denial.type));
  return fmt::format(
      "if the program shall do this, allow it in its AppArmor profile: aa-logprof suggests the line, here: "
      "{}  Then reload it (apparmor_parser -r). A container's profile is its runtime's: give the container "
      "one of its own",
      line);
}

std::string selinux_advice(const AuditedDenial& denial) {
  const std::string module =
      "ausearch -m avc -ts recent | audit2allow -M NAME makes a module that allows it; read it before you "
      "load it (semodule -i)";
  const auto port = denial.source_port ? denial.source_port : denial.destination_port;
  if (port)
    return fmt::format(
        "if the program shall use this port, give the port a type that its domain may use: semanage port -a "
        "-t TYPE -p {} {} (semanage port -l lists types); or {}",
        denial.kind == "udp_socket" ? "udp" : "tcp", *port, module);
  if (!is_socket_class(denial.kind) && !denial.name.empty())
    return fmt::format(
        "see whether the file has the label it should have (restorecon -nv, ls -Z); a place of its own gets "
        "one with semanage fcontext -a -t TYPE and restorecon; or {}",
        module);
  return "if the program shall do this: " + module;
}

}  // namespace

DenialFit fit_of(const AuditedDenial& denial, const Facts& facts) {
  if (denial.capability) return fit_of_capability(denial, facts);
  return denial.module == Module::apparmor ? fit_of_apparmor(denial, facts) : fit_of_selinux(denial, facts);
}

std::optional<DenialFact> denial_of_call(const Facts& facts, const DenialView& denials) {
  const int error = facts.event.error();
  if (facts.asked_now() || (error != EACCES && error != EPERM)) return std::nullopt;
  const auto found = denials.denials_of(facts.event, [&](const AuditedDenial& denial) {
    return !facts.before.is_used(denial.serial) && fit_of(denial, facts) != DenialFit::no;
  });
  const AuditedDenial* best = nullptr;
  DenialFit best_fit = DenialFit::no;
  for (const AuditedDenial& denial : found)
    if (const DenialFit fit = fit_of(denial, facts); fit >= best_fit) best = &denial, best_fit = fit;
  if (best == nullptr) return std::nullopt;
  const bool ambiguous = std::any_of(found.begin(), found.end(), [&](const AuditedDenial& other) {
    return other.subject != best->subject && fit_of(other, facts) == best_fit;
  });
  return DenialFact{*best, standing_of(best_fit, ambiguous, facts), ambiguous};
}

std::string DenialFact::module() const {
  return denial.module == Module::apparmor ? "AppArmor" : "SELinux";
}

std::string DenialFact::evidence() const {
  const std::string text = denial.module == Module::apparmor ? apparmor_text(denial) : selinux_text(denial);
  return fmt::format("{} (audit message {})", text, denial.serial);
}

std::string DenialFact::advice() const {
  return denial.module == Module::apparmor ? apparmor_advice(denial) : selinux_advice(denial);
}

std::string DenialFact::profile() const {
  return ambiguous ? "" : quoted(denial.subject);
}

}  // namespace sockward
