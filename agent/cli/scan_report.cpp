#include "cli/scan_report.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

std::string owner(const SocketOwner& owner) {
  return owner.process.tgid == 0
             ? "-"
             : fmt::format("{}[{}]", printable(owner.process.comm).text, owner.process.tgid);
}

std::string age_text(std::int64_t seconds) {
  constexpr std::int64_t kHour = 3600, kDay = 86400;
  if (seconds >= 2 * kDay) return fmt::format("{} d", seconds / kDay);
  if (seconds >= 2 * kHour) return fmt::format("{} h", seconds / kHour);
  return seconds >= 120 ? fmt::format("{} min", seconds / 60) : fmt::format("{} s", seconds);
}

void key(Writer& out, const char* name, const std::string& value) {
  out.Key(name);
  out.String(printable(value).text.c_str());
}

void key(Writer& out, const ProcessPlace& place) {
  key(out, "container", place.container);
  if (!place.unit.empty()) key(out, "unit", place.unit);
}

/// The host's processes by their unit, others by their container.
std::string place_text(const ProcessPlace& place) {
  return printable(place.container == "host" && !place.unit.empty() ? place.unit : place.container).text;
}

void key(Writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

void write_holder(Writer& out, const ScanReport::Holder& holder) {
  const OpenSocket& socket = holder.socket;
  out.StartObject();
  key(out, "address", bound_text(socket));
  key(out, "netns.inode", socket.name.netns);
  key(out, "process.pid", socket.owner.process.tgid);
  key(out, "process.executable.name", socket.owner.process.comm);
  key(out, "process.user.id", socket.owner.process.uid);
  key(out, holder.place);
  if (!socket.path.empty()) key(out, "path_bytes", socket.path.size());
  out.EndObject();
}

void write_stale(Writer& out, const ScanReport::Stale& stale) {
  out.StartObject();
  key(out, "path", stale.file.path);
  key(out, "uid", stale.file.object.uid);
  key(out, "mode", stale.file.object.mode);
  key(out, "age_seconds", static_cast<std::uint64_t>(stale.age_s));
  key(out, stale.place);
  out.EndObject();
}

void write_uts(Writer& out, const ScanReport::Uts& uts) {
  out.StartObject();
  key(out, "utsns.inode", uts.names.inode);
  key(out, "owner_userns.inode", uts.names.owner_userns);
  key(out, "hostname", uts.names.hostname);
  key(out, "domainname", uts.names.domainname);
  key(out, "processes", uts.names.members);
  key(out, "first_pid", uts.names.first_tgid);
  key(out, uts.place);
  out.EndObject();
}

}  // namespace

std::string bound_text(const OpenSocket& socket) {
  if (socket.name.kind == BoundName::Kind::path) return "unix:" + printable(socket.path).text;
  const auto text = address_text(socket.name.address);
  if (socket.name.kind == BoundName::Kind::abstract) return text ? text->text : "unix:@";
  return fmt::format("{}:{}", socket.name.protocol == IPPROTO_UDP ? "udp" : "tcp", text ? text->text : "?");
}

std::string to_text(const ScanReport& report) {
  std::string text = fmt::format("UTS namespaces ({})\n", report.uts.size());
  for (const auto& uts : report.uts)
    text += fmt::format("  {:<12} {:<24} {:<18} {:>5} processes  {:<18} user namespace {}\n", uts.names.inode,
                        printable(uts.names.hostname).text, printable(uts.names.domainname).text,
                        uts.names.members, place_text(uts.place), uts.names.owner_userns);
  text += fmt::format("\nListeners ({})\n", report.listeners.size());
  for (const auto& listener : report.listeners)
    text += fmt::format("  {:<44} {:<24} uid {:<6} {:<18} netns {}\n", bound_text(listener.socket),
                        owner(listener.socket.owner), listener.socket.owner.process.uid,
                        place_text(listener.place), listener.socket.name.netns);
  text += fmt::format("\nSocket files near the limit of {} bytes ({})\n", kUsablePathBytes,
                      report.near_limit.size());
  for (const auto& near : report.near_limit)
    text += fmt::format("  {:>3} bytes  {}  {}\n", near.socket.path.size(), bound_text(near.socket),
                        owner(near.socket.owner));
  text += fmt::format("\nStale socket files ({})\n", report.stale.size());
  for (const auto& stale : report.stale)
    text += fmt::format("  {:<60} uid {:<6} {:04o}  {} old  {}\n", printable(stale.file.path).text,
                        stale.file.object.uid, stale.file.object.mode, age_text(stale.age_s),
                        place_text(stale.place));
  if (!report.gaps.empty()) text += "\nNot looked at\n";
  for (const auto& gap : report.gaps) text += "  " + gap + "\n";
  return text;
}

std::string to_json(const ScanReport& report) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  const auto array = [&](const char* name, const auto& items, auto write) {
    out.Key(name);
    out.StartArray();
    for (const auto& item : items) write(out, item);
    out.EndArray();
  };
  out.StartObject();
  array("uts_namespaces", report.uts, write_uts);
  array("listeners", report.listeners, write_holder);
  array("near_limit", report.near_limit, write_holder);
  array("stale_sockets", report.stale, write_stale);
  array("gaps", report.gaps, [](Writer& to, const std::string& gap) { to.String(gap.c_str()); });
  out.EndObject();
  return std::string(buffer.GetString()) + "\n";
}

}  // namespace sockward
