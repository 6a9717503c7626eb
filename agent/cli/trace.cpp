// sockward trace: the live view, of everything or of one command.
#include <fcntl.h>
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
#include "cli/failure_summary.hpp"
#include "cli/flags.hpp"
#include "jsonl/jsonl_sink.hpp"
#include "launch/command.hpp"
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

/// Nobody reads the pipe or socket that records go to (`sockward trace | head`).
bool reader_has_left(int fd) {
  pollfd output{.fd = fd, .events = 0, .revents = 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/// Ends the program when the reader of its output has gone. A full disk does not end it: that is counted.
class StopOnBrokenPipe final : public Sink {
 public:
  StopOnBrokenPipe(std::unique_ptr<Sink> sink, int fd) : sink_(std::move(sink)), fd_(fd) {}
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
  void end_without_reader() const {
    if (reader_has_left(fd_)) kill(getpid(), SIGTERM);
  }
  std::unique_ptr<Sink> sink_;
  int fd_;
};

/// Where records go: a file, standard output, or standard error beside a command, whose output is its own.
class Output {
 public:
  explicit Output(const TraceFlags& flags) {
    if (!flags.output.empty()) {
      file_.reset(open(flags.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
      if (!file_.valid())
        throw failure(last_error("open " + printable(flags.output).text).text(), "see --output");
      name_ = printable(flags.output).text;
    } else if (flags.command) {
      name_ = "standard error";
    }
    fd_ = file_.valid() ? file_.get() : flags.command ? STDERR_FILENO : STDOUT_FILENO;
  }
  int fd() const { return fd_; }
  const std::string& name() const { return name_; }

 private:
  FileDescriptor file_;
  int fd_ = -1;
  std::string name_ = "standard output";
};

std::unique_ptr<Sink> make_sink(const TraceFlags& flags, int fd) {
  if (flags.json) return std::make_unique<JsonLinesSink>(fd, CommandArgs::off);
  return std::make_unique<TerminalSink>(fd, host_terminal_style(fd));
}

PipelineOptions pipeline_options(const TraceFlags& flags, NamespaceInode host_utsns) {
  PipelineOptions options{.host_utsns = host_utsns, .resource = this_resource()};
  // What libc asks in vain in each program is no news of a command, unless errors are asked for.
  if (flags.command && flags.errors.empty()) options.ignored = IgnoredPaths(Settings{}.records.ignore_paths);
  options.filter = [comm = compile(flags.comm, "--comm"),
                    container = compile(flags.container, "--container")](const Record& record) {
    return (!comm || std::regex_search(printable(record.event.actor.comm).text, *comm)) &&
           (!container || std::regex_search(record.container_label(), *container));
  };
  return options;
}

/// The attached probes, and what is made of their records.
class Tracing {
 public:
  explicit Tracing(const TraceFlags& flags)
      : mounts_(find_cgroup_mounts()),
        settings_(settings_of(flags)),
        options_(options_of(flags, settings_, mounts_)),
        pipeline_options_(pipeline_options(flags, options_.host_utsns)),
        output_(flags),
        observer_(options_, mounts_, settings_) {
    observer_.start();
  }

  /// Reports while this runs; what came until its end is reported before this returns.
  template <class Body>
  auto report(std::vector<std::unique_ptr<Sink>> sinks, Body body) {
    const Pipeline pipeline(observer_.probes->take_rings(),
                            {observer_.host.view(), observer_.host, observer_.containers, observer_.clock,
                             observer_.stats, diagnoses_},
                            std::move(pipeline_options_), std::move(sinks));
    std::fprintf(stderr, "%s\n", observer_.attached_text().c_str());
    return body();
  }

  int output() const { return output_.fd(); }
  const ProbeSet& probes() const { return *observer_.probes; }
  std::uint64_t lost() const {
    return probes().snapshot().ring_full + observer_.stats.lost_queue_full + observer_.stats.lost_decode;
  }
  /// Says what did not reach the output. false: records could not be written.
  bool say_losses() const {
    if (lost() != 0)
      std::fprintf(stderr, "sockward: %lu records were lost: the output could not keep up\n", lost());
    const std::uint64_t unwritten = reader_has_left(output()) ? 0 : observer_.stats.lost_output.load();
    if (unwritten != 0)
      std::fprintf(stderr, "sockward: %lu records could not be written to %s; next: df -h\n", unwritten,
                   output_.name().c_str());
    return unwritten == 0;
  }

 private:
  static Settings settings_of(const TraceFlags& flags) {
    Settings settings;
    settings.probes.stderr_text = flags.stderr_text;
    settings.probes.sends = names_a_send(flags.syscalls);
    override_settings(settings, flags.probe.settings);
    return settings;
  }
  static ProbeOptions options_of(const TraceFlags& flags, const Settings& settings,
                                 const CgroupMounts& mounts) {
    ProbeOptions options = probe_options(flags.probe, settings, mounts);
    options.filter =
        report_filter(flags.errors.empty() ? std::vector<std::string>{"default"} : flags.errors, "--errno");
    options.filter.syscalls = syscall_bits(flags.syscalls);
    options.filter.only_tgid = flags.pid;
    options.filter.only_descendants = flags.command.has_value();
    return options;
  }

  CgroupMounts mounts_;
  Settings settings_;
  ProbeOptions options_;
  PipelineOptions pipeline_options_;
  Output output_;
  Observer observer_;
  DiagnosisCounts diagnoses_{1};
};

int trace_everything(const TraceFlags& flags) {
  const StopSignals signals;
  Tracing tracing(flags);
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<StopOnBrokenPipe>(make_sink(flags, tracing.output()), tracing.output()));
  tracing.report(std::move(sinks), [&] { signals.wait(flags.duration_s); });
  return tracing.say_losses() ? 0 : 1;
}

/// Goes on for what outlives the command (a daemon), so long. Returns how many of them still run.
std::size_t linger(const ProbeSet& probes, double seconds, const CommandSignals& signals) {
  using Clock = std::chrono::steady_clock;
  constexpr double kLook = 0.02;  // seconds between two looks
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    const auto left = probes.descendants();
    if (!left || left->alive == 0) return 0;
    if (Clock::now() >= until || !signals.pause(kLook)) return left->alive;
  }
}

void print_summary(const FailureSummary& summary, const std::string& end, std::size_t left,
                   const ProbeSet& probes) {
  const std::string causes = summary.text(terminal_style(STDERR_FILENO));
  std::string headline = "no socket call of it failed";
  if (summary.failures() != 0)
    headline = fmt::format("{} of its calls failed:", summary.failures());
  else if (!causes.empty())
    headline += ", but:";
  std::fprintf(stderr, "sockward: %s; %s\n", end.c_str(), headline.c_str());
  if (!causes.empty()) std::fprintf(stderr, "%s\n", causes.c_str());
  if (left != 0)
    std::fprintf(stderr,
                 "sockward: %zu of its processes still run and are traced no more; next: see --linger\n",
                 left);
  if (const auto found = probes.descendants(); found && found->untracked != 0)
    std::fprintf(stderr, "sockward: %lu of its processes were too many at a time to be followed\n",
                 found->untracked);
}

int trace_one_command(const TraceFlags& flags) {
  const Environment own = own_environment();
  const auto identity = flags.as_root ? std::nullopt : invoking_user(own);
  const Environment environment = identity ? environment_of(*identity, own) : own;
  const Inherited inherited;
  const CommandSignals signals;
  Tracing tracing(flags);
  FailureSummary summary;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(make_sink(flags, tracing.output()));
  sinks.push_back(std::make_unique<SummarySink>(summary));
  std::size_t left = 0;
  const Ended ended = tracing.report(std::move(sinks), [&] {
    const pid_t command = start_command(*flags.command, identity, environment, inherited);
    const Ended end = signals.wait(command);
    left = linger(tracing.probes(), flags.linger_s, signals);
    return end;
  });
  print_summary(summary, printable(flags.command->front()).text + " " + ended.text(), left, tracing.probes());
  tracing.say_losses();
  return ended.exit_code();
}

}  // namespace

int trace_command(const TraceFlags& flags) {
  if (!flags.command) return trace_everything(flags);
  if (flags.command->empty())
    throw usage_error("no command after --", "sockward trace [flags] -- COMMAND [ARGUMENT…]");
  if (flags.pid != 0 || flags.duration_s != 0)
    throw usage_error(fmt::format("--{} does not go with a command", flags.pid != 0 ? "pid" : "duration"),
                      flags.pid != 0 ? "leave it out: only the command and what it starts are traced"
                                     : "let timeout(1) end it: sockward trace -- timeout 10 COMMAND");
  return trace_one_command(flags);
}

}  // namespace sockward
