#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "http/server.hpp"
#include "store/latest_records.hpp"
#include "telemetry/kernel_counters.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// The label of a container key; "~other" when it is not known.
using ContainerLabel = std::function<std::string(std::uint64_t)>;

/// Answers a question to the records.
using AskRecords = std::function<Result<Answer>(const Query&)>;

/// GET /api/v1/diagnoses?limit=N
HttpResponse diagnoses_response(const LatestRecords& latest, const HttpRequest& request);
/// GET /api/v1/uts-namespaces
HttpResponse uts_response(const UtsNames& uts, const ContainerLabel& container_label);

/// What the page shows besides the records.
struct PageFacts {
  std::vector<UtsNamespace> uts;
  ContainerLabel container_label;
  std::vector<ProbeStatus> probes;
  std::vector<Coverage> coverage;
  std::string telemetry_path;
};
/// GET / with the user interface: failures that match the form (PageQuery), grouped, UTS namespaces, probes.
/// Works without scripts; every name in it is escaped.
HttpResponse diagnoses_page(const AskRecords& ask, const PageFacts& facts, const HttpRequest& request,
                            WallTime now);
/// GET / for those who may not see the diagnoses.
HttpResponse landing_page(const std::string& telemetry_path);

/// GET /page.css and /page.js.
HttpResponse page_style();
HttpResponse page_script();

}  // namespace sockward
