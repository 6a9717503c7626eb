#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/web_pages.hpp"
#include "config/settings.hpp"
#include "delivery/delivery_counts.hpp"
#include "jsonl/rotating_file.hpp"
#include "record/sink.hpp"

namespace sockward {

/// What became of the records at each way out; outlives every sink.
struct OutputCounts {
  DeliveryCounts standard_output, file, journald, otlp, alerts;
};

CommandArgs command_args(Settings::Records::Arguments arguments);

/// The ways out that the settings ask for. `file` is set to the file sink while it is among them (for
/// reopen()). Throws StartupError when one cannot be had.
std::vector<std::unique_ptr<Sink>> make_outputs(const Settings& settings, const Clock& clock,
                                                RecentRecords& recent, OutputCounts& counts,
                                                JsonFileSink*& file);

}  // namespace sockward
