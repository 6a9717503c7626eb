// GET /: recent diagnoses for people without Grafana. Plain HTML; every name in it is escaped.
#include <algorithm>
#include <map>
#include <set>

#include "base/printable.hpp"
#include "base/version.hpp"
#include "page/html.hpp"
#include "page/page.hpp"

namespace sockward {
namespace {

using Entries = std::vector<RecentRecords::Entry>;
constexpr std::size_t kShown = 100;

std::string parameter(const HttpRequest& request, const char* name) {
  const auto found = request.parameters.find(name);
  return found == request.parameters.end() ? "" : found->second;
}

std::string options(const std::set<std::string>& values, const std::string& chosen) {
  std::string html = "<option value=\"\">all</option>";
  for (const auto& value : values)
    html += fmt::format("<option{}>{}</option>", value == chosen ? " selected" : "", escape_html(value));
  return html;
}

std::string filter_form(const Entries& all, const std::string& container, const std::string& cause) {
  std::set<std::string> containers, causes;
  for (const auto& entry : all) {
    containers.insert(entry.container);
    causes.insert(entry.cause);
  }
  return fmt::format(
      "<form method=\"get\" action=\"/\"><label>Container<select name=\"container\">{}</select></label>"
      "<label>Cause<select name=\"cause\">{}</select></label><button>Filter</button></form>",
      options(containers, container), options(causes, cause));
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string article(const RecentRecords::Entry& entry) {
  std::string evidence;
  for (const auto& item : entry.evidence) evidence += "<li>" + escape_html(item) + "</li>";
  std::string html = fmt::format(
      "<article class=\"{}\"><div class=\"meta\"><time class=\"mono\">{}</time><span class=\"chip\">{}</span>"
      "<span class=\"chip\">{}</span><span>{}</span></div><p><strong>{}</strong></p><ul>{}</ul>",
      lower(entry.severity), escape_html(entry.time.substr(0, 23) + "Z"), escape_html(entry.container),
      escape_html(entry.cause), escape_html(entry.confidence), escape_html(entry.headline), evidence);
  if (!entry.holder.empty())
    html += "<p>Held by <span class=\"mono\">" + escape_html(entry.holder) + "</span></p>";
  if (!entry.advice.empty())
    html += "<p class=\"fix\"><strong>Fix</strong> " + escape_html(entry.advice) + "</p>";
  return html + "</article>";
}

std::string top_causes(const Entries& all) {
  std::map<std::string, std::size_t> counts;
  for (const auto& entry : all) ++counts[entry.cause];
  std::vector<std::pair<std::string, std::size_t>> order(counts.begin(), counts.end());
  std::sort(order.begin(), order.end(),
            [](const auto& one, const auto& other) { return one.second > other.second; });
  std::string html = "<h2>Top causes</h2><ol>";
  for (const auto& [cause, count] : order)
    html +=
        fmt::format(R"(<li><span>{}</span><span>{}</span><progress max="{}" value="{}">{}</progress></li>)",
                    escape_html(cause), count, order.front().second, count, count);
  return html + "</ol>";
}

std::string uts_table(const PageFacts& facts) {
  std::string html =
      "<h2>UTS namespaces</h2><div class=\"scroll\"><table><tr><th>Host name</th><th>Domain "
      "name</th><th>Container</th>"
      "<th>Processes</th><th>First process</th><th>Inode</th></tr>";
  for (const auto& uts : facts.uts)
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"mono\">{}</td><td "
        "class=\"mono\">{}</td></tr>",
        escape_html(printable(uts.hostname).text), escape_html(printable(uts.domainname).text),
        escape_html(facts.container_label(uts.container_key)), uts.members, uts.first_tgid, uts.inode);
  return html + "</table></div>";
}

std::string probe_tables(const PageFacts& facts) {
  std::string html =
      "<details><summary>Probes and coverage</summary><div class=\"scroll\"><table><tr><th>Probe</th><th>"
      "Backend</th><th></th><th>Why</th></tr>";
  for (const auto& probe : facts.probes)
    html += fmt::format(R"(<tr><td>{}</td><td>{}</td><td class="{}">{}</td><td class="soft">{}</td></tr>)",
                        escape_html(probe.operation), to_string(probe.backend), probe.attached ? "yes" : "no",
                        probe.attached   ? "attached"
                        : probe.optional ? "not here"
                                         : "missing",
                        escape_html(probe.reason));
  html += "</table></div><div class=\"scroll\"><table><tr><th>Operation</th><th>Route</th><th></th></tr>";
  for (const auto& route : facts.coverage)
    html +=
        fmt::format("<tr><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>", escape_html(route.operation),
                    escape_html(route.route), route.seen ? "yes" : "no", route.seen ? "seen" : "not seen");
  return html + "</table></div></details>";
}

}  // namespace

HttpResponse diagnoses_page(const RecentRecords& recent, const PageFacts& facts, const HttpRequest& request) {
  const std::string container = parameter(request, "container"), cause = parameter(request, "cause");
  const Entries all = recent.latest(RecentRecords::kKept);
  std::string articles;
  std::size_t shown = 0;
  for (const auto& entry : all) {
    if ((!container.empty() && entry.container != container) || (!cause.empty() && entry.cause != cause))
      continue;
    if (++shown > kShown) break;
    articles += article(entry);
  }
  if (all.empty())
    articles = "<p class=\"empty\">Nothing has failed since the agent started.</p>";
  else if (shown == 0)
    articles = "<p class=\"empty\">Nothing matches the filter.</p>";
  std::string body = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">"
      "<title>sockward: recent diagnoses</title><link rel=\"stylesheet\" href=\"/page.css\">"
      "<header><h1>sockward</h1><span class=\"soft\">recent diagnoses</span><span class=\"soft\" "
      "id=\"live\"></span>"
      "<nav><a href=\"{}\">Metrics</a><a href=\"/api/v1/diagnoses\">JSON</a></nav><span "
      "class=\"soft\">{}</span></header>"
      "<main><div class=\"columns\"><section>{}{}</section><aside>{}</aside></div>{}{}</main>"
      "<script src=\"/page.js\"></script></html>\n",
      escape_html(facts.telemetry_path), kVersion, filter_form(all, container, cause), articles,
      all.empty() ? "" : top_causes(all), uts_table(facts), probe_tables(facts));
  return {.content_type = "text/html; charset=utf-8", .body = std::move(body)};
}

HttpResponse landing_page(const std::string& telemetry_path) {
  return {
      .content_type = "text/html; charset=utf-8",
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
