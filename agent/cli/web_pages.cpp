#include "cli/web_pages.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

#include "base/printable.hpp"
#include "base/version.hpp"

namespace sockward {
namespace {

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kJson = "application/json; charset=utf-8";

std::string holder_text(const Diagnosis& diagnosis) {
  if (!diagnosis.holder) return "";
  const Holder& holder = *diagnosis.holder;
  if (holder.kind == Holder::Kind::kernel) return "the kernel, or a socket that no process has open";
  return fmt::format("{}[{}] uid {}{}{}", printable(holder.comm).text, holder.pid, holder.uid,
                     holder.container.empty() ? "" : " in " + printable(holder.container).text,
                     holder.kind == Holder::Kind::gone ? " (gone)" : "");
}

}  // namespace

std::string escape_html(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

bool RecentRecords::write(const Record& record) {
  const Diagnosis& diagnosis = record.diagnosis;
  Entry entry{.json = to_json(record, resource_, arguments_),
              .time = rfc3339(record.time),
              .severity = std::string(to_string(severity_of(record))),
              .container = record.container_label(),
              .headline = body_of(record),
              .cause = std::string(to_string(diagnosis.cause)),
              .confidence = std::string(to_string(diagnosis.confidence)),
              .advice = printable(diagnosis.advice).text,
              .holder = holder_text(diagnosis),
              .evidence = {}};
  for (const auto& item : diagnosis.evidence) entry.evidence.push_back(printable(item).text);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kKept) entries_.pop_front();
  entries_.push_back(std::move(entry));
  return true;
}

std::vector<RecentRecords::Entry> RecentRecords::latest(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(limit, entries_.size());
  return {entries_.rbegin(), entries_.rbegin() + static_cast<std::ptrdiff_t>(count)};
}

HttpResponse diagnoses_response(const RecentRecords& recent, const HttpRequest& request) {
  std::size_t limit = 100;
  if (const auto given = request.parameters.find("limit"); given != request.parameters.end()) {
    const std::string& text = given->second;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || limit == 0)
      return {.status = 400,
              .body = fmt::format("limit must be a number from 1 to {}\n", RecentRecords::kKept)};
  }
  std::string body = "[";
  for (const auto& entry : recent.latest(limit)) body += (body.size() > 1 ? ",\n" : "") + entry.json;
  return {.content_type = kJson, .body = body + "]\n"};
}

HttpResponse uts_response(const UtsNames& uts, ContainerDirectory& containers) {
  const auto namespaces = uts.read();
  if (!namespaces) return {.status = 503, .body = namespaces.error().text() + "\n"};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.StartArray();
  for (const auto& known : *namespaces) {
    const auto container = containers.find(known.container_key);
    out.StartObject();
    out.Key("sockward.utsns.inode"), out.Uint(known.inode);
    out.Key("sockward.utsns.owner_userns.inode"), out.Uint(known.owner_userns);
    out.Key("hostname"), out.String(printable(known.hostname).text.c_str());
    out.Key("domainname"), out.String(printable(known.domainname).text.c_str());
    out.Key("processes"), out.Uint(known.members);
    out.Key("first_pid"), out.Uint(known.first_tgid);
    out.Key("container"), out.String(container ? container->identity.label().c_str() : "~other");
    out.EndObject();
  }
  out.EndArray();
  return {.content_type = kJson, .body = std::string(buffer.GetString()) + "\n"};
}

HttpResponse landing_page(const std::string& telemetry_path) {
  return {
      .content_type = kHtml,
      .body = fmt::format(
          "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width\"><title>sockward</title><link rel=\"stylesheet\" href=\"/page.css\">"
          "<header><h1>sockward</h1></header><main><p>Version {} (revision {}).</p><p><a "
          "href=\"{}\">Metrics</a></p>"
          "<p>Recent diagnoses show every user's paths: they are served here to authenticated users "
          "(<code>web.config.file</code>), or to all with <code>--web.enable-ui</code>.</p></main></html>\n",
          kVersion, kRevision, escape_html(telemetry_path))};
}

}  // namespace sockward
