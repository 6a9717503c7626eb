// sockward trace: the live view.
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <regex>

#include "app/observer.hpp"
#include "app/probe_settings.hpp"
#include "app/stop_signals.hpp"
#include "app/this_host.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "jsonl/jsonl_sink.hpp"
#include "pipeline/pipeline.hpp"
#include "terminal/terminal_sink.hpp"

namespace sockward {
namespace {

std::optional<std::regex> compile(const std::string& text, const char* flag) {
  if (text.empty()) return std::nullopt;
  try {
    return std::regex(text, std::regex::extended | std::regex::optimize);
  } catch (const std::regex_error& error) {
    throw usage_error(
        fmt::format("{}: \"{}\" is not a regular expression: {}", flag, printable(text).text, error.what()),
        "use POSIX extended syntax (regex(7))");
  }
}

/// They are seen where one of them is asked for.
bool names_a_send(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    const auto syscall = syscall_from(name);
    return syscall && sends(*syscall);
  });
}

std::uint16_t syscall_bits(const std::vector<std::string>& names) {
  std::uint16_t bits = 0;
  for (const auto& name : names) {
    const auto syscall = syscall_from(name);
    if (!syscall) {
      std::vector<std::string_view> all;
      for (std::size_t i = 0; i < kNamedSyscalls; ++i) all.push_back(to_string(static_cast<Syscall>(i)));
      throw usage_error(fmt::format("--syscall: unknown call \"{}\"", printable(name).text),
                        fmt::format("did you mean {}?", nearest(name, all)));
    }
    bits = static_cast<std::uint16_t>(bits | 1u << static_cast<unsigned>(*syscall));
  }
  return names.empty() ? kEverySyscall : bits;
}

/// Nobody reads the pipe or socket that standard output is (`sockward trace | head`).
bool reader_has_left() {
  pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/// Ends the program when the reader of its output has gone. A full disk does not end it: that is counted.
class StopOnBrokenPipe final : public Sink {
 public:
  explicit StopOnBrokenPipe(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
  bool write(const Record& record) override {
    const bool written = sink_->write(record);
    if (!written) end_without_reader();
    return written;
  }
  std::uint64_t flush() override {
    const std::uint64_t lost = sink_->flush();
    if (lost != 0) end_without_reader();
    return lost;
  }

 private:
  static void end_without_reader() {
    if (reader_has_left()) kill(getpid(), SIGTERM);
  }
  std::unique_ptr<Sink> sink_;
};

std::vector<std::unique_ptr<Sink>> make_sinks(bool json) {
  std::unique_ptr<Sink> sink;
  if (json)
    sink = std::make_unique<JsonLinesSink>(STDOUT_FILENO, CommandArgs::off);
  else
    sink = std::make_unique<TerminalSink>(STDOUT_FILENO, terminal_style(STDOUT_FILENO));
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<StopOnBrokenPipe>(std::move(sink)));
  return sinks;
}

}  // namespace

int trace_command(const TraceFlags& flags) {
  const auto comm = compile(flags.comm, "--comm"), container = compile(flags.container, "--container");
  const CgroupMounts mounts = find_cgroup_mounts();
  Settings settings;
  settings.probes.stderr_text = flags.stderr_text;
  settings.probes.sends = names_a_send(flags.syscalls);
  override_settings(settings, flags.probe.settings);
  ProbeOptions options = probe_options(flags.probe, settings, mounts);
  options.filter = report_filter(flags.errors, "--errno");
  options.filter.syscalls = syscall_bits(flags.syscalls);
  options.filter.only_tgid = flags.pid;

  const StopSignals signals;
  Observer observer(options, mounts, settings);
  observer.start();
  DiagnosisCounts diagnoses(1);
  PipelineOptions pipeline_options{.host_utsns = options.host_utsns, .resource = this_resource()};
  pipeline_options.filter = [&](const Record& record) {
    return (!comm || std::regex_search(printable(record.event.actor.comm).text, *comm)) &&
           (!container || std::regex_search(record.container_label(), *container));
  };
  {
    const Pipeline pipeline(
        observer.probes->take_rings(),
        {observer.host.view(), observer.host, observer.containers, observer.clock, observer.stats, diagnoses},
        std::move(pipeline_options), make_sinks(flags.json));
    std::fprintf(stderr, "%s\n", observer.attached_text().c_str());
    signals.wait(flags.duration_s);
  }
  const std::uint64_t lost =
      observer.probes->snapshot().ring_full + observer.stats.lost_queue_full + observer.stats.lost_decode;
  if (lost != 0)
    std::fprintf(stderr, "sockward: %lu records were lost: the output could not keep up\n", lost);
  const std::uint64_t unwritten = reader_has_left() ? 0 : observer.stats.lost_output.load();
  if (unwritten != 0)
    std::fprintf(stderr, "sockward: %lu records could not be written to standard output; next: df -h\n",
                 unwritten);
  return unwritten == 0 ? 0 : 1;
}

}  // namespace sockward
