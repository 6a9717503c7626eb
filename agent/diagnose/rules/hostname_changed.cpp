// The host or domain name of a UTS namespace is another one after the call.
//
// sethostname: both names were read from the namespace, before and after. sysctl: the write is seen before it
// happens, so the result is computed as the kernel does, and the namespace is read at once to check it.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "diagnose/known_actors.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

constexpr std::chrono::milliseconds kFlap{5000};

std::string quoted(std::string_view name) {
  return "\"" + printable(name).text + "\"";
}

void check_sysctl_result(const Facts& facts, const NameCall& call, Finding& found) {
  if (call.asked_clipped) found.alternative = "the write was longer than what was copied";
  const auto& names = facts.uts_names();
  if (!names) {
    found.evidence.emplace_back("new name computed from the write",
                                Standing::later("it could not be read back: " + names.error().text()));
  } else if (!*names) {
    found.evidence.emplace_back("new name computed from the write",
                                Standing::later("it could not be read back: the namespace is gone"));
  } else if (const std::string& now = call.domain ? (*names)->domainname : (*names)->hostname;
             now == call.new_name) {
    found.evidence.emplace_back("new name computed from the write, and read back from the namespace",
                                Standing::unchanged());
  } else {
    found.evidence.emplace_back("new name computed from the write",
                                Standing::later(fmt::format("the namespace is named {} now", quoted(now))));
  }
}

void check_syscall_result(const NameCall& call, Finding& found) {
  found.evidence.emplace_back("both names were read from the namespace, before and after the call");
  if (call.asked && *call.asked != call.new_name && call.asked->find('\0') == std::string::npos) {
    found.alternative =
        fmt::format("the caller asked for {}: another change came in between", quoted(*call.asked));
  }
}

void add_flap(const Facts& facts, const NameCall& call, Finding& found) {
  const auto before = facts.before.latest_change(facts.event.actor.utsns, call.domain, facts.event.time);
  if (!before || before->old_name != call.new_name || before->new_name != call.old_name) return;
  const auto apart = std::chrono::nanoseconds(facts.event.time.ns - before->time.ns);
  if (apart > kFlap) return;
  found.flap = true;  // one incident: this record folds the change that it takes back
  found.note(fmt::format("flap: {}[{}] had changed it {:.1f} ms before, and this restores it",
                         printable(before->comm).text, before->tgid,
                         std::chrono::duration<double, std::milli>(apart).count()));
}

/// "bash[12] (dhclient-script)": what it runs, where its command line still shows that.
std::string ancestor_text(const Facts& facts, const NameCall::Ancestor& ancestor) {
  const std::string comm = printable(ancestor.comm).text;
  std::string text = fmt::format("{}[{}]", comm, ancestor.tgid);
  const auto arguments = facts.arguments_of(ancestor.tgid);
  if (!arguments || arguments->empty()) return text;
  for (std::size_t i = 0; i < arguments->size() && i < 2; ++i) {
    const std::string& argument = (*arguments)[i];
    const std::string name = argument.substr(argument.rfind('/') + 1);
    if (name.empty() || name.front() == '-' || name == ancestor.comm || name.find(' ') != std::string::npos)
      continue;
    if (i == 1 && argument.find('/') == std::string::npos) continue;  // an option's value, not a script
    return text + " (" + printable(name).text + ")";
  }
  return text;
}

void add_ancestors(const Facts& facts, const NameCall& call, Finding& found) {
  std::string chain;
  for (const auto& ancestor : call.ancestors)
    if (ancestor.tgid != facts.event.actor.tgid)
      chain += (chain.empty() ? "" : ", ") + ancestor_text(facts, ancestor);
  if (!chain.empty()) found.note("started by: " + chain);
}

/// Of the host's own bus, so only about the host's own name.
void add_requester(const Facts& facts, const NameCall& call, std::string_view program, Finding& found) {
  if (facts.event.actor.utsns != facts.host_utsns || !program.ends_with("/systemd-hostnamed")) return;
  const auto request = facts.hostname_request(call.new_name);
  if (!request) return found.note("who asked it over D-Bus was not seen");
  if (request->pid == 0)
    return found.note(fmt::format("asked for over D-Bus ({}) by a process that has gone", request->method));
  found.note(fmt::format("asked for over D-Bus ({}) by {}[{}] uid {}", request->method,
                         printable(request->comm).text, request->pid, request->uid));
}

void add_actor(const Facts& facts, const NameCall& call, Finding& found) {
  if (call.first)
    found.note("the first change since the namespace was created, as a container runtime makes it");
  const auto& program = facts.executable();
  if (!program) return;
  if (const auto known = known_host_name_setter(*program)) {
    found.note("this program is known to set host names: " + std::string(*known));
    add_requester(facts, call, *program, found);
  }
}

}  // namespace

std::optional<Finding> hostname_changed(const Facts& facts) {
  const NameCall* call = facts.name();
  if (call == nullptr || facts.event.failed() || !call->changed()) return std::nullopt;
  const bool host = facts.event.actor.utsns == facts.host_utsns;
  Finding found{
      .cause = Cause::hostname_changed,
      .evidence = {{fmt::format("route {}, UTS namespace {}{}",
                                facts.event.via == Via::sysctl ? "sysctl" : to_string(facts.event.syscall),
                                facts.event.actor.utsns, host ? " (the host's)" : "")}}};
  if (facts.event.via == Via::sysctl)
    check_sysctl_result(facts, *call, found);
  else
    check_syscall_result(*call, found);
  add_flap(facts, *call, found);
  add_actor(facts, *call, found);
  add_ancestors(facts, *call, found);
  if (host)
    found.advice =
        "if this was not intended: give the workload its own UTS namespace (no --uts=host, no hostNetwork "
        "with CAP_SYS_ADMIN) and restore the name with hostnamectl";
  return found;
}

}  // namespace sockward::rules
