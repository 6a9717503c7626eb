#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "host/containers/cgroups.hpp"
#include "http/server.hpp"
#include "jsonl/json_record.hpp"
#include "record/sink.hpp"
#include "telemetry/kernel_counters.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// Keeps the latest records for the page and the API. Thread-safe; bounded.
class RecentRecords final : public Sink {
 public:
  static constexpr std::size_t kKept = 500;

  RecentRecords(Resource resource, CommandArgs arguments)
      : resource_(std::move(resource)), arguments_(arguments) {}
  bool write(const Record& record) override;

  struct Entry {
    std::string json, time, severity, container, headline, cause, confidence, advice, holder;  ///< printable
    std::vector<std::string> evidence;                                                         ///< printable
  };
  /// The latest `limit`, newest first.
  std::vector<Entry> latest(std::size_t limit) const;

 private:
  Resource resource_;
  CommandArgs arguments_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
};

/// Hands records to a sink that somebody else owns.
class SharedSink final : public Sink {
 public:
  explicit SharedSink(Sink& sink) : sink_(sink) {}
  bool write(const Record& record) override { return sink_.write(record); }
  std::uint64_t flush() override { return sink_.flush(); }

 private:
  Sink& sink_;
};

/// GET /api/v1/diagnoses?limit=N
HttpResponse diagnoses_response(const RecentRecords& recent, const HttpRequest& request);
/// GET /api/v1/uts-namespaces
HttpResponse uts_response(const UtsNames& uts, ContainerDirectory& containers);
/// GET / for those who may not see the diagnoses.
HttpResponse landing_page(const std::string& telemetry_path);
/// The page's style and script: GET /page.css and /page.js.
HttpResponse page_style();
HttpResponse page_script();

/// What the page shows beside the records.
struct PageFacts {
  std::vector<UtsNamespace> uts;
  std::function<std::string(std::uint64_t)> container_label;  ///< of a container key
  std::vector<ProbeStatus> probes;
  std::vector<Coverage> coverage;
  std::string telemetry_path;
};
/// GET / with the user interface: recent diagnoses, filtered by ?container= and ?cause=, UTS namespaces,
/// probes. Works without scripts; every name in it is escaped.
HttpResponse diagnoses_page(const RecentRecords& recent, const PageFacts& facts, const HttpRequest& request);
/// For HTML text and attributes in double quotes.
std::string escape_html(const std::string& text);

}  // namespace sockward
