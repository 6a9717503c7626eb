// GET /api/v1: what the page shows, as JSON.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

#include "base/printable.hpp"
#include "page/page.hpp"

namespace sockward {
namespace {

constexpr const char* kJson = "application/json; charset=utf-8";

}  // namespace

HttpResponse diagnoses_response(const LatestRecords& latest, const HttpRequest& request) {
  std::size_t limit = 100;
  if (const auto given = request.parameters.find("limit"); given != request.parameters.end()) {
    const std::string& text = given->second;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || limit == 0)
      return {.status = 400,
              .body = fmt::format("limit must be a number from 1 to {}\n", LatestRecords::kKept)};
  }
  std::string body = "[";
  for (const auto& json : latest.json(limit)) body += (body.size() > 1 ? ",\n" : "") + json;
  return {.content_type = kJson, .body = body + "]\n"};
}

HttpResponse uts_response(const UtsNames& uts, const ContainerLabel& container_label) {
  const auto namespaces = uts.read();
  if (!namespaces) return {.status = 503, .body = namespaces.error().text() + "\n"};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.StartArray();
  for (const auto& known : *namespaces) {
    out.StartObject();
    out.Key("sockward.utsns.inode");
    out.Uint(known.inode);
    out.Key("sockward.utsns.owner_userns.inode");
    out.Uint(known.owner_userns);
    out.Key("hostname");
    out.String(printable(known.hostname).text.c_str());
    out.Key("domainname");
    out.String(printable(known.domainname).text.c_str());
    out.Key("processes");
    out.Uint(known.members);
    out.Key("first_pid");
    out.Uint(known.first_tgid);
    out.Key("container");
    out.String(container_label(known.container_key).c_str());
    out.EndObject();
  }
  out.EndArray();
  return {.content_type = kJson, .body = std::string(buffer.GetString()) + "\n"};
}

}  // namespace sockward
