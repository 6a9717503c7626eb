#include "jsonl/json_record.hpp"

#include <fmt/format.h>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/socket.h>

#include "base/printable.hpp"
#include "jsonl/network_names.hpp"

namespace sockward {
namespace {

/// Writes members of one JSON object. Every text goes through printable(): the writer sees valid UTF-8 only.
class Members {
 public:
  using Writer = rapidjson::Writer<rapidjson::StringBuffer>;
  explicit Members(Writer& writer) : writer_(writer) {}

  void text(const char* key, std::string_view value) {
    writer_.Key(key);
    shown(value);
  }
  void optional_text(const char* key, const std::optional<std::string>& value) {
    if (value) text(key, *value);
  }
  void null(const char* key) {
    writer_.Key(key);
    writer_.Null();
  }
  void number(const char* key, std::uint64_t value) {
    writer_.Key(key);
    writer_.Uint64(value);
  }
  void flag(const char* key) {
    writer_.Key(key);
    writer_.Bool(true);
  }
  template <class Texts>
  void list(const char* key, const Texts& values) {
    writer_.Key(key);
    writer_.StartArray();
    for (const auto& value : values) shown(value);
    writer_.EndArray();
  }
  void open(const char* key) {
    writer_.Key(key);
    writer_.StartObject();
  }
  void close() { writer_.EndObject(); }

 private:
  void shown(std::string_view value) {
    if (is_plain(value))
      plain(value);
    else
      plain(printable(value).text);
  }
  void plain(std::string_view value) {
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  Writer& writer_;
};

void write_process(Members& out, const Record& record, CommandArgs policy) {
  const Actor& actor = record.event.actor;
  out.number("process.pid", actor.tgid);
  out.number("thread.id", actor.tid);
  out.text("process.executable.name", actor.comm);
  out.optional_text("process.executable.path", record.context.executable);
  out.number("process.user.id", actor.uid);
  const auto& arguments = record.context.arguments;
  if (policy == CommandArgs::off || !arguments || arguments->empty()) return;
  if (policy == CommandArgs::full)
    out.list("process.command_args", *arguments);
  else
    out.list("process.command_args", std::vector<std::string>{arguments->front()});
}

void write_container(Members& out, const Record& record) {
  const auto& container = record.context.container;
  if (container && !container->is_host()) {
    if (!container->id.empty()) out.text("container.id", container->id);
    if (!container->name.empty()) out.text("container.name", container->name);
    out.text("container.runtime.name", container->runtime);
    if (!container->pod_uid.empty()) out.text("k8s.pod.uid", container->pod_uid);
  }
  out.optional_text("sockward.cgroup.path", record.context.cgroup_path);
  const Actor& actor = record.event.actor;
  out.number("sockward.netns.inode", actor.netns);
  out.number("sockward.pidns.inode", actor.pidns);
  out.number("sockward.utsns.inode", actor.utsns);
  out.number("sockward.mntns.inode", actor.mntns);
}

/// The text of a name and, when the text does not give it back, its bytes.
void write_name(Members& out, const char* key, const char* bytes_key, const std::string& name) {
  out.text(key, name);
  if (!is_plain(name) && !printable(name).exact) out.text(bytes_key, base64(name));
}

void write_socket_call(Members& out, const Event& event, const SocketCall& call) {
  const auto text = address_text(call.address);
  if (text)
    out.text("sockward.address", text->text);
  else
    out.null("sockward.address");
  out.text("sockward.address.kind", to_string(call.address.kind));
  if (text && !text->exact) out.text("sockward.address.bytes", base64(call.address.name));
  if (call.address.truncated) out.flag("sockward.truncated");
  if (const auto resolved = resolved_path(event))
    write_name(out, "sockward.path.resolved", "sockward.path.resolved.bytes", *resolved);
  if (const auto transport = network_transport(call); !transport.empty())
    out.text("network.transport", transport);
  if (!call.address.is_inet()) return;
  out.text("network.type", call.address.kind == AddressKind::inet ? "ipv4" : "ipv6");
  const bool peer = event.syscall == Syscall::connect;
  out.text(peer ? "network.peer.address" : "network.local.address", call.address.ip_text());
  out.number(peer ? "network.peer.port" : "network.local.port", call.address.port);
}

void write_path_call(Members& out, const Event& event, const PathCall& call) {
  if (call.path)
    write_name(out, "sockward.path", "sockward.path.bytes", *call.path);
  else
    out.null("sockward.path");
  if (const auto resolved = resolved_path(event))
    write_name(out, "sockward.path.resolved", "sockward.path.resolved.bytes", *resolved);
  if (call.source) write_name(out, "sockward.path.source", "sockward.path.source.bytes", *call.source);
  if (call.truncated) out.flag("sockward.truncated");
  if (event.syscall == Syscall::openat2 && call.arguments_readable)
    out.list("sockward.openat2.resolve", resolve_names(call.resolve));
}

void write_name_call(Members& out, const Record& record, const NameCall& call) {
  out.text("sockward.hostname.field", call.domain ? "domainname" : "hostname");
  out.text("sockward.hostname.old", call.old_name);
  if (!record.event.failed())
    out.text("sockward.hostname.new", call.new_name);
  else if (call.asked)
    out.text("sockward.hostname.new", *call.asked);
  else
    out.null("sockward.hostname.new");
  if (record.event.failed() && call.asked_clipped) out.flag("sockward.truncated");
  out.text("sockward.scope", record.host_scope ? "host" : "container");
  std::vector<std::string> ancestors;
  for (const auto& ancestor : call.ancestors)
    ancestors.push_back(fmt::format("{}[{}]", printable(ancestor.comm).text, ancestor.tgid));
  if (!ancestors.empty()) out.list("sockward.actor.ancestors", ancestors);
}

void write_exit(Members& out, const Record& record, const ProcessExit& end) {
  const std::string& name = record.diagnosis.name;
  if (name.empty())
    out.null("sockward.address");
  else
    out.text("sockward.address", "unix:" + printable(name).text);
  out.text("sockward.address.kind", to_string(name.empty() ? AddressKind::unreadable : AddressKind::path));
  if (!is_plain(name) && !printable(name).exact) out.text("sockward.address.bytes", base64(name));
  out.number("process.exit.code", static_cast<std::uint64_t>(end.status >> 8 & 0xFF));
}

void write_holder(Members& out, const Holder& holder) {
  static constexpr const char* kKinds[] = {"process", "kernel", "gone"};
  out.text("sockward.holder.kind", kKinds[static_cast<std::size_t>(holder.kind)]);
  if (holder.kind == Holder::Kind::kernel) return;
  out.number("sockward.holder.pid", holder.pid);
  out.text("sockward.holder.comm", holder.comm);
  out.number("sockward.holder.user.id", holder.uid);
  if (!holder.container.empty()) out.text("sockward.holder.container", holder.container);
  if (holder.pidns != 0) out.number("sockward.holder.pidns.inode", holder.pidns);
}

void write_diagnosis(Members& out, const Diagnosis& diagnosis) {
  out.text("sockward.cause", to_string(diagnosis.cause));
  out.text("sockward.confidence", to_string(diagnosis.confidence));
  out.list("sockward.evidence", diagnosis.evidence);
  if (!diagnosis.unproven.empty()) out.list("sockward.evidence.unproven", diagnosis.unproven);
  if (!diagnosis.advice.empty()) out.text("sockward.advice", diagnosis.advice);
  if (diagnosis.holder) write_holder(out, *diagnosis.holder);
  if (!diagnosis.policy.empty()) out.text("sockward.policy", diagnosis.policy);
}

void write_attributes(Members& out, const Record& record, CommandArgs policy) {
  const Event& event = record.event;
  write_process(out, record, policy);
  out.text("sockward.syscall.name", to_string(event.syscall));
  out.text("sockward.via", to_string(event.via));
  if (event.failed()) {
    const std::string label = error_label(event);
    out.text("error.type", label.starts_with('E') ? label : "_OTHER");
    out.number("sockward.errno", static_cast<std::uint64_t>(event.error()));
  }
  if (const auto* socket = std::get_if<SocketCall>(&event.call)) write_socket_call(out, event, *socket);
  if (const auto* path = std::get_if<PathCall>(&event.call)) write_path_call(out, event, *path);
  if (const auto* name = std::get_if<NameCall>(&event.call)) write_name_call(out, record, *name);
  if (const auto* end = std::get_if<ProcessExit>(&event.call)) write_exit(out, record, *end);
  write_container(out, record);
  write_diagnosis(out, record.diagnosis);
  if (record.repeats != 0) out.number("sockward.repeats", record.repeats);
}

}  // namespace

std::string to_json(const Record& record, const Resource& resource, CommandArgs arguments) {
  rapidjson::StringBuffer buffer;
  Members::Writer writer(buffer);
  Members out(writer);
  writer.StartObject();
  out.text("timestamp", rfc3339(record.time));
  out.text("severity_text", to_string(severity_of(record)));
  out.number("severity_number", static_cast<std::uint64_t>(severity_number(severity_of(record))));
  out.text("event_name", to_string(event_name_of(record)));
  out.text("body", body_of(record));
  out.open("resource");
  out.text("service.name", "sockward");
  out.text("service.version", resource.service_version);
  if (!resource.host_id.empty()) out.text("host.id", resource.host_id);
  out.text("host.name", resource.host_name);
  out.close();
  out.open("attributes");
  write_attributes(out, record, arguments);
  out.close();
  out.close();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace sockward
