// The host or domain name of a UTS namespace is another one after the call.
//
// sethostname: both names were read from the namespace, before and after. sysctl: the write is seen before it
// happens, so the result is computed as the kernel does, and the namespace is read at once to check it.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "diagnose/known_actors.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

constexpr std::chrono::milliseconds kFlap{5000};

std::string quoted(std::string_view name) {
  return "\"" + printable(name).text + "\"";
}

void check_sysctl_result(const Observation& seen, const NameCall& call, Diagnosis& found) {
  found.confidence = Confidence::likely;
  if (call.asked_clipped) found.evidence.emplace_back("the write was longer than what was copied");
  const auto names = seen.host.uts_names(seen.event.actor.utsns);
  if (!names) {
    found.evidence.emplace_back("new name computed from the write; not checked: " + names.error().text());
  } else if (!*names) {
    found.evidence.emplace_back("new name computed from the write; not checked: the namespace is gone");
  } else if (const std::string& now = call.domain ? (*names)->domainname : (*names)->hostname;
             now == call.new_name) {
    found.confidence = Confidence::certain;
    found.evidence.emplace_back("new name computed from the write, and read back from the namespace");
  } else {
    found.evidence.push_back(
        fmt::format("new name computed from the write; the namespace holds {} by now", quoted(now)));
  }
}

void check_syscall_result(const NameCall& call, Diagnosis& found) {
  found.evidence.emplace_back("both names were read from the namespace, before and after the call");
  if (call.asked && *call.asked != call.new_name && call.asked->find('\0') == std::string::npos) {
    found.confidence = Confidence::likely;
    found.evidence.push_back(
        fmt::format("the caller asked for {}: another change came between", quoted(*call.asked)));
  }
}

void add_flap(const Observation& seen, const NameCall& call, Diagnosis& found) {
  const auto before = seen.history.latest_change(seen.event.actor.utsns, call.domain, seen.event.time);
  if (!before || before->old_name != call.new_name || before->new_name != call.old_name) return;
  const auto apart = std::chrono::nanoseconds(seen.event.time.ns - before->time.ns);
  if (apart > kFlap) return;
  found.flap = true;  // one incident: this record folds the change that it takes back
  found.evidence.push_back(fmt::format("flap: {}[{}] had changed it {:.1f} ms before, and this restores it",
                                       printable(before->comm).text, before->tgid,
                                       std::chrono::duration<double, std::milli>(apart).count()));
}

void add_actor(const Observation& seen, const NameCall& call, Diagnosis& found) {
  if (call.first)
    found.evidence.emplace_back(
        "the first change since the namespace was made: what a container runtime does");
  if (const auto program = seen.host.executable(process_of(seen.event)))
    if (const auto known = known_host_name_setter(*program))
      found.evidence.push_back("a program that is known to set names: " + std::string(*known));
}

class HostnameChanged final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<NameCall>(&seen.event.call);
    if (call == nullptr || seen.event.failed() || !call->changed()) return std::nullopt;
    Diagnosis found{.cause = Cause::hostname_changed, .confidence = Confidence::certain};
    const bool host = seen.event.actor.utsns == seen.host_utsns;
    found.evidence.push_back(
        fmt::format("route {}, UTS namespace {}{}",
                    seen.event.via == Via::sysctl ? "sysctl" : to_string(seen.event.syscall),
                    seen.event.actor.utsns, host ? " (the host's)" : ""));
    if (seen.event.via == Via::sysctl)
      check_sysctl_result(seen, *call, found);
    else
      check_syscall_result(*call, found);
    add_flap(seen, *call, found);
    add_actor(seen, *call, found);
    if (host)
      found.advice =
          "if this was not meant: give the workload its own UTS namespace (no --uts=host, hostNetwork with "
          "CAP_SYS_ADMIN) and set the name back with hostnamectl";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_hostname_changed() {
  return std::make_unique<HostnameChanged>();
}

}  // namespace sockward
