#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "enrich/cgroups.hpp"
#include "http/server.hpp"
#include "jsonl/json_record.hpp"
#include "record/sink.hpp"
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
    std::string json, time, container, headline, cause, advice;  ///< printable
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
  void flush() override { sink_.flush(); }

 private:
  Sink& sink_;
};

/// GET /api/v1/diagnoses?limit=N
HttpResponse diagnoses_response(const RecentRecords& recent, const HttpRequest& request);
/// GET /api/v1/uts-namespaces
HttpResponse uts_response(const UtsNames& uts, ContainerDirectory& containers);
/// GET / without and with the user interface.
HttpResponse landing_page(const std::string& telemetry_path);
HttpResponse diagnoses_page(const RecentRecords& recent);

}  // namespace sockward
