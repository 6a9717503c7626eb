// GET /: what failed, for people without Grafana. Plain HTML; every name in it is escaped.
#include <algorithm>
#include <map>

#include "base/printable.hpp"
#include "base/version.hpp"
#include "page/failure_card.hpp"
#include "page/html.hpp"
#include "page/page.hpp"
#include "page/page_query.hpp"
#include "record/cause.hpp"

namespace sockward {
namespace {

constexpr std::size_t kShown = 100;
constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr std::int64_t kNamesSince = std::int64_t{7} * 86400 * 1'000'000'000;  // ns; names that are offered

using Groups = std::vector<RecordGroup>;

std::string option(const std::string& value, const std::string& text, const std::string& chosen) {
  return fmt::format("<option value=\"{}\"{}>{}</option>", escape_html(value),
                     value == chosen ? " selected" : "", escape_html(text));
}

std::string cause_options(const std::string& chosen) {
  std::string html = option("", "all", chosen);
  for (const Cause cause : all_causes()) {
    const std::string name(to_string(cause));
    html += option(name, name, chosen);
  }
  return html;
}

std::string period_options(const std::string& chosen) {
  static constexpr std::pair<const char*, const char*> kPeriods[] = {
      {"15m", "15 minutes"}, {"1h", "hour"}, {"6h", "6 hours"}, {"24h", "24 hours"}, {"7d", "7 days"}};
  std::string html;
  bool known = false;
  for (const auto& [value, text] : kPeriods) {
    html += option(value, std::string("last ") + text, chosen);
    known |= chosen == value;
  }
  return known ? html : option(chosen, "since " + chosen, chosen) + html;
}

/// `names`: what has failed, to be offered while one types.
std::string filter_form(const PageQuery& asked, const std::vector<std::string>& names) {
  std::string offered;
  for (const auto& name : names) offered += "<option value=\"" + escape_html(name) + "\">";
  std::string until;
  if (!asked.until.empty())
    until = fmt::format("<label>Until<input name=\"until\" value=\"{}\"></label>", escape_html(asked.until));
  return fmt::format(
      "<form method=\"get\" action=\"/\"><label class=\"search\">Unit, pod, container, command, pid or "
      "address<input type=\"search\" name=\"q\" list=\"names\" value=\"{}\" placeholder=\"nginx.service, "
      "shop/web-1, /run/app.sock, :8080\"></label><datalist id=\"names\">{}</datalist>"
      "<label>Cause<select name=\"cause\">{}</select></label>"
      "<label>Time<select name=\"since\">{}</select></label>{}<button>Search</button>{}</form>",
      escape_html(asked.search), offered, cause_options(asked.cause), period_options(asked.since), until,
      asked.address() == "/" ? "" : "<a href=\"/\">Reset</a>");
}

/// The same failure again, whenever the link is followed: the times in it are not those of the reader.
std::string link_to(const FailureCard& card) {
  PageQuery link;
  link.search = card.search;
  link.cause = card.cause;
  link.since = rfc3339({card.first_ns});
  link.until = rfc3339({card.last_ns});
  return link.address();
}

std::string cards(const Answer& answer) {
  std::string html;
  std::size_t shown = 0;
  for (const RecordGroup& group : answer.groups) {
    if (++shown > kShown) break;
    const FailureCard card = card_of(group);
    html += to_html(card, link_to(card));
  }
  if (shown == 0) html = "<p class=\"empty\">Nothing failed in this time that matches.</p>";
  if (answer.cut || shown > kShown)
    html += "<p class=\"empty\">There is more: narrow the search, or the time.</p>";
  return html;
}

std::string top_causes(const Groups& groups) {
  std::map<std::string, std::uint64_t> counts;
  for (const RecordGroup& group : groups) counts[group.newest.cause] += group.count;
  std::vector<std::pair<std::string, std::uint64_t>> order(counts.begin(), counts.end());
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

HttpResponse diagnoses_page(const AskRecords& ask, const PageFacts& facts, const HttpRequest& request,
                            WallTime now) {
  const PageQuery asked = PageQuery::from(request.parameters);
  const auto query = to_query(asked, now);
  const Result<Answer> answer = query ? ask(*query) : Result<Answer>(query.error());
  Query names_query{.limit = Query::kMostGroups, .names = true};
  names_query.since_ns = now.ns - kNamesSince;
  const Result<Answer> names = ask(names_query);
  const std::string articles =
      answer ? cards(*answer)
             : "<p class=\"empty\">" + escape_html(printable(answer.error().operation).text) + "</p>";
  const Groups groups = answer ? answer->groups : Groups();
  std::string body = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">"
      "<title>sockward: what failed, and why</title><link rel=\"stylesheet\" href=\"/page.css\">"
      "<header><h1>sockward</h1><span class=\"soft\">what failed, and why</span><span class=\"soft\" "
      "id=\"live\"></span>"
      "<nav><a href=\"{}\">Metrics</a><a href=\"/api/v1/diagnoses\">JSON</a></nav><span "
      "class=\"soft\">{}</span></header>"
      "<main><div class=\"columns\"><section>{}{}</section><aside>{}</aside></div>{}{}</main>"
      "<script src=\"/page.js\"></script></html>\n",
      escape_html(facts.telemetry_path), kVersion,
      filter_form(asked, names ? names->names : std::vector<std::string>()), articles,
      groups.empty() ? "" : top_causes(groups), uts_table(facts), probe_tables(facts));
  if (!query) return {.status = 400, .content_type = kHtml, .body = std::move(body)};
  return {.content_type = kHtml, .body = std::move(body)};
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
