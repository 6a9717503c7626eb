#include "record/attributes.hpp"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "base/printable.hpp"
#include "record/network_names.hpp"

namespace sockward {
namespace {

/// Hands attributes on. Every text goes through printable() here and nowhere else.
class Attributes {
 public:
  explicit Attributes(const AttributeVisitor& visit) : visit_(visit) {}

  void text(std::string_view key, std::string_view value) {
    if (is_plain(value))
      visit_(key, value);
    else
      visit_(key, std::string_view(printable(value).text));
  }
  void optional_text(std::string_view key, const std::optional<std::string>& value) {
    if (value) text(key, *value);
  }
  /// null when there is no value: it could not be read.
  void text_or_null(std::string_view key, const std::optional<std::string>& value) {
    if (value)
      text(key, *value);
    else
      visit_(key, {});
  }
  void number(std::string_view key, std::uint64_t value) { visit_(key, value); }
  void flag(std::string_view key) { visit_(key, true); }
  template <class Texts>
  void list(std::string_view key, const Texts& values) {
    std::vector<std::string> texts;
    texts.reserve(std::size(values));
    for (const auto& value : values) texts.push_back(printable(value).text);
    visit_(key, std::span<const std::string>(texts));
  }
  /// The text of a name and, when the text does not give it back, its bytes.
  void name(std::string_view key, std::string_view bytes_key, const std::string& name) {
    text(key, name);
    if (!is_plain(name) && !printable(name).exact) text(bytes_key, base64(name));
  }

 private:
  const AttributeVisitor& visit_;
};

void add_process(Attributes& out, const Record& record, CommandArgs policy) {
  const Actor& actor = record.event.actor;
  out.number("process.pid", actor.tgid);
  out.number("thread.id", actor.tid);
  out.text("process.executable.name", actor.comm);
  out.optional_text("process.executable.path", record.context.executable);
  out.number("process.user.id", actor.uid);
  const auto& arguments = record.context.arguments;
  if (policy == CommandArgs::off || !arguments || arguments->empty()) return;
  const std::span<const std::string> all(*arguments);
  out.list("process.command_args", policy == CommandArgs::full ? all : all.first(1));
}

void add_container(Attributes& out, const Record& record) {
  const auto& container = record.context.container;
  if (container && !container->is_host()) {
    if (!container->id.empty()) out.text("container.id", container->id);
    if (!container->name.empty()) out.text("container.name", container->name);
    out.text("container.runtime.name", container->runtime);
    if (!container->pod_uid.empty()) out.text("k8s.pod.uid", container->pod_uid);
    if (!container->pod.empty()) {
      out.text("k8s.namespace.name", container->pod_namespace);
      out.text("k8s.pod.name", container->pod);
      if (!container->pod_container.empty()) out.text("k8s.container.name", container->pod_container);
    }
  }
  if (const auto& unit = record.context.unit) {
    out.text("sockward.unit", unit->name);
    out.text("sockward.unit.manager", to_string(unit->manager));
  }
  out.optional_text("sockward.cgroup.path", record.context.cgroup_path);
  const Actor& actor = record.event.actor;
  out.number("sockward.netns.inode", actor.netns);
  out.number("sockward.pidns.inode", actor.pidns);
  out.number("sockward.utsns.inode", actor.utsns);
  out.number("sockward.mntns.inode", actor.mntns);
}

void add_resolved_path(Attributes& out, const Event& event) {
  if (const auto resolved = resolved_path(event))
    out.name("sockward.path.resolved", "sockward.path.resolved.bytes", *resolved);
}

void add_call(Attributes& out, const Event& event, const SocketCall& call) {
  const auto text = address_text(call.address);
  out.text_or_null("sockward.address", text ? std::optional(text->text) : std::nullopt);
  out.text("sockward.address.kind", to_string(call.address.kind));
  if (text && !text->exact) out.text("sockward.address.bytes", base64(call.address.name));
  if (call.address.truncated) out.flag("sockward.truncated");
  add_resolved_path(out, event);
  if (const auto transport = network_transport(call); !transport.empty())
    out.text("network.transport", transport);
  if (!call.address.is_inet()) return;
  out.text("network.type", call.address.kind == AddressKind::inet ? "ipv4" : "ipv6");
  const bool peer = reaches(event.syscall);
  out.text(peer ? "network.peer.address" : "network.local.address", call.address.ip_text());
  out.number(peer ? "network.peer.port" : "network.local.port", call.address.port);
  if (!call.end) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(call.end->elapsed);
  out.number("sockward.connect.elapsed_ms", static_cast<std::uint64_t>(elapsed.count()));
  out.number("sockward.connect.syns", call.end->syns);
}

void add_call(Attributes& out, const Event& event, const PathCall& call) {
  if (call.path)
    out.name("sockward.path", "sockward.path.bytes", *call.path);
  else
    out.text_or_null("sockward.path", std::nullopt);
  add_resolved_path(out, event);
  if (call.source) out.name("sockward.path.source", "sockward.path.source.bytes", *call.source);
  if (call.truncated) out.flag("sockward.truncated");
  if (event.syscall == Syscall::openat2 && call.arguments_readable)
    out.list("sockward.openat2.resolve", resolve_names(call.resolve));
}

void add_call(Attributes& out, const Record& record, const NameCall& call) {
  out.text("sockward.hostname.field", call.domain ? "domainname" : "hostname");
  out.text("sockward.hostname.old", call.old_name);
  out.text_or_null("sockward.hostname.new",
                   record.event.failed() ? call.asked : std::optional(call.new_name));
  if (record.event.failed() && call.asked_clipped) out.flag("sockward.truncated");
  out.text("sockward.scope", record.host_scope ? "host" : "container");
  std::vector<std::string> ancestors;
  for (const auto& ancestor : call.ancestors)
    ancestors.push_back(fmt::format("{}[{}]", printable(ancestor.comm).text, ancestor.tgid));
  if (!ancestors.empty()) out.list("sockward.actor.ancestors", ancestors);
}

void add_call(Attributes& out, const Record& record, const ProcessExit& end) {
  const std::string& name = record.diagnosis.name;
  out.text_or_null("sockward.address",
                   name.empty() ? std::nullopt : std::optional("unix:" + printable(name).text));
  out.text("sockward.address.kind", to_string(name.empty() ? AddressKind::unreadable : AddressKind::path));
  if (!is_plain(name) && !printable(name).exact) out.text("sockward.address.bytes", base64(name));
  out.number("process.exit.code", end.exit_code());
}

void add_call(Attributes& out, const Record& record) {
  const Event& event = record.event;
  out.text("sockward.syscall.name", to_string(event.syscall));
  out.text("sockward.via", to_string(event.via));
  if (event.failed()) {
    const std::string label = error_label(event);
    out.text("error.type", label.starts_with('E') || event.given_up() ? label : "_OTHER");
    if (!event.given_up()) out.number("sockward.errno", static_cast<std::uint64_t>(event.error()));
  }
  if (const auto* socket = std::get_if<SocketCall>(&event.call)) add_call(out, event, *socket);
  if (const auto* path = std::get_if<PathCall>(&event.call)) add_call(out, event, *path);
  if (const auto* name = std::get_if<NameCall>(&event.call)) add_call(out, record, *name);
  if (const auto* end = std::get_if<ProcessExit>(&event.call)) add_call(out, record, *end);
}

void add_holder(Attributes& out, const Holder& holder) {
  static constexpr std::string_view kKinds[] = {"process", "kernel", "gone"};
  out.text("sockward.holder.kind", kKinds[static_cast<std::size_t>(holder.kind)]);
  if (holder.kind == Holder::Kind::kernel) return;
  out.number("sockward.holder.pid", holder.pid);
  out.text("sockward.holder.comm", holder.comm);
  out.number("sockward.holder.user.id", holder.uid);
  if (!holder.container.empty()) out.text("sockward.holder.container", holder.container);
  if (!holder.unit.empty()) out.text("sockward.holder.unit", holder.unit);
  if (holder.pidns != 0) out.number("sockward.holder.pidns.inode", holder.pidns);
}

void add_diagnosis(Attributes& out, const Diagnosis& diagnosis) {
  out.text("sockward.cause", to_string(diagnosis.cause));
  out.text("sockward.confidence", to_string(diagnosis.confidence));
  out.list("sockward.evidence", diagnosis.evidence);
  if (!diagnosis.unproven.empty()) out.list("sockward.evidence.unproven", diagnosis.unproven);
  if (!diagnosis.advice.empty()) out.text("sockward.advice", diagnosis.advice);
  if (diagnosis.holder) add_holder(out, *diagnosis.holder);
  if (!diagnosis.policy.empty()) out.text("sockward.policy", diagnosis.policy);
  if (!diagnosis.policy_profile.empty()) out.text("sockward.policy.profile", diagnosis.policy_profile);
}

}  // namespace

void visit_attributes(const Record& record, CommandArgs arguments, const AttributeVisitor& visit) {
  Attributes out(visit);
  add_process(out, record, arguments);
  add_call(out, record);
  add_container(out, record);
  add_diagnosis(out, record.diagnosis);
  if (record.repeats != 0) out.number("sockward.repeats", record.repeats);
}

void visit_attributes(const Resource& resource, const AttributeVisitor& visit) {
  Attributes out(visit);
  out.text("service.name", "sockward");
  out.text("service.version", resource.service_version);
  if (!resource.host_id.empty()) out.text("host.id", resource.host_id);
  out.text("host.name", resource.host_name);
}

}  // namespace sockward
