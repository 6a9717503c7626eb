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

constexpr const char* kStyle =
    "<style>:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{margin:2rem "
    "auto;max-width:70rem;"
    "padding:0 1rem}article{border-left:3px solid #d79921;padding:.2rem .8rem;margin:.8rem "
    "0;overflow-wrap:anywhere}"
    "code{font-family:ui-monospace,monospace}small{opacity:.7}</style>";

std::string page(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}</title>{}<h1>{}</h1>{}</html>\n",
      title, kStyle, title, body);
}

}  // namespace

bool RecentRecords::write(const Record& record) {
  const Diagnosis& diagnosis = record.diagnosis;
  std::string cause = fmt::format("{} ({})", to_string(diagnosis.cause), to_string(diagnosis.confidence));
  for (const auto& evidence : diagnosis.evidence) cause += "; " + evidence;
  Entry entry{.json = to_json(record, resource_, arguments_),
              .time = rfc3339(record.time),
              .container = record.container_label(),
              .headline = body_of(record),
              .cause = std::move(cause),
              .advice = diagnosis.advice};
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
  return {.content_type = kHtml,
          .body = page("sockward",
                       fmt::format("<p>Version {} (revision {}).</p><p><a href=\"{}\">Metrics</a></p>"
                                   "<p>Recent diagnoses show every user's paths: start the agent with "
                                   "<code>--web.enable-ui</code> to serve them here.</p>",
                                   kVersion, kRevision, escape_html(telemetry_path)))};
}

HttpResponse diagnoses_page(const RecentRecords& recent) {
  std::string body = "<p><a href=\"/metrics\">Metrics</a> · <a href=\"/api/v1/diagnoses\">JSON</a></p>";
  const auto entries = recent.latest(100);
  if (entries.empty()) body += "<p>Nothing has failed since the agent started.</p>";
  for (const auto& entry : entries)
    body +=
        fmt::format("<article><small>{} · {}</small><br><strong>{}</strong><br>{}{}</article>", entry.time,
                    escape_html(entry.container), escape_html(entry.headline), escape_html(entry.cause),
                    entry.advice.empty() ? "" : "<br><em>Fix:</em> " + escape_html(entry.advice));
  return {.content_type = kHtml, .body = page("sockward: recent diagnoses", body)};
}

}  // namespace sockward
