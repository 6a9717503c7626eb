// The pages that sockward-web serves, and how it is set up.
#include "app/web.hpp"

#include <filesystem>
#include <set>

#include "app/privileges.hpp"
#include "base/startup_error.hpp"
#include "page/page.hpp"
#include "sandbox/web_confinement.hpp"

namespace sockward {
namespace {

HttpResponse not_ready() {
  return {.status = 503, .body = "starting: the probes are not attached yet\n"};
}

ContainerLabel labels_of(Observer& observer) {
  return [&observer](std::uint64_t key) {
    const auto known = observer.containers.find(key);
    return known ? known->identity.label() : "~other";
  };
}

HttpResponse render_page(Served& served, const std::string& telemetry_path, const HttpRequest& request) {
  Observer* observer = served.observer;
  if (observer == nullptr) return not_ready();
  PageFacts facts{.uts = {},
                  .container_label = {},
                  .probes = observer->probes->probes(),
                  .coverage = observer->coverage(),
                  .telemetry_path = telemetry_path};
  if (auto uts = observer->probes->read()) facts.uts = std::move(*uts);
  facts.container_label = labels_of(*observer);
  const auto ask = [&served](const Query& query) {
    const char* source = "";
    return served.outputs.answer(query, source);
  };
  const SystemClock clock;
  return diagnoses_page(ask, facts, request, clock.wall(clock.monotonic()));
}

/// The folders that the process that serves HTTP reads: where the web configuration lies, and the files it
/// names.
std::vector<std::string> web_folders(const Settings& settings, WatchedWebConfig* web) {
  if (web == nullptr) return {};
  std::set<std::string> folders;
  const auto add = [&](const std::string& file) {
    if (file.empty()) return;
    for (const auto& path : {std::filesystem::absolute(file), std::filesystem::weakly_canonical(file)})
      folders.insert(path.parent_path());  // a link's own folder, and that of what it leads to
  };
  add(settings.web.config_file);
  if (const auto now = web->now(); now->tls)
    for (const auto& file : {now->tls->cert_file, now->tls->key_file, now->tls->client_ca_file}) add(file);
  return {folders.begin(), folders.end()};
}

}  // namespace

std::map<std::string, HttpRoute> routes(Served& served, const Settings& settings) {
  using enum HttpRoute::Access;
  std::map<std::string, HttpRoute> map;
  const std::string& telemetry_path = settings.web.telemetry_path;
  map[telemetry_path] = {guarded, [&served](const HttpRequest&) -> HttpResponse {
                           MetricsPage* page = served.metrics;
                           if (page == nullptr) return not_ready();
                           return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                   .body = page->render()};
                         }};
  map["/-/healthy"] = {open,
                       [](const HttpRequest&) -> HttpResponse { return {.body = "sockward is healthy\n"}; }};
  map["/-/ready"] = {open, [&served](const HttpRequest&) -> HttpResponse {
                       return served.metrics != nullptr ? HttpResponse{.body = "sockward is ready\n"}
                                                        : not_ready();
                     }};
  map["/page.css"] = {open, [](const HttpRequest&) { return page_style(); }};
  map["/page.js"] = {open, [](const HttpRequest&) { return page_script(); }};
  // Without the interface and without users there is nobody to show the diagnoses to.
  const bool shown = settings.web.enable_ui || !settings.web.config_file.empty();
  map["/"] = {guarded, [&served, shown, telemetry_path](const HttpRequest& request) {
                return shown && request.may_see_names ? render_page(served, telemetry_path, request)
                                                      : landing_page(telemetry_path);
              }};
  map["/api/v1/diagnoses"] = {personal, [&served](const HttpRequest& request) {
                                return diagnoses_response(served.outputs.latest_records(), request);
                              }};
  map["/api/v1/uts-namespaces"] = {
      personal, [&served](const HttpRequest&) {
        Observer* observer = served.observer;
        return observer == nullptr ? not_ready() : uts_response(*observer->probes, labels_of(*observer));
      }};
  return map;
}

WebProcess::Options web_options(const Settings& settings, std::shared_ptr<WatchedWebConfig> web) {
  WebProcess::Options options;
  options.confine = [folders = web_folders(settings, web.get()), seccomp = settings.privileges.seccomp] {
    if (const auto done = confine_web_thread(folders, seccomp); !done)
      throw failure(
          "sockward-web could not drop its privileges: " + done.error().text(),
          done.error().text().find("seccomp") != std::string::npos
              ? "a kernel without seccomp filters needs privileges: {seccomp: false} in the configuration"
              : "let what refuses it, say a container's profile or a security module, allow it");
  };
  options.on_page_thread = [settings] { limit_thread(settings, true); };
  options.http = {.listen = {},
                  .allowed_hosts = settings.web.allowed_hosts,
                  .web = std::move(web),
                  .on_thread = {},
                  .open_ui = settings.web.enable_ui};
  for (const auto& address : settings.web.listen_address)
    options.http.listen.push_back(parse_listen_address(address));
  return options;
}

}  // namespace sockward
