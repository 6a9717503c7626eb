#include <CLI/CLI.hpp>

#include <cstdio>

#include "base/log.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "base/version.hpp"
#include "cli/completion.hpp"
#include "cli/flags.hpp"
#include "config/settings_table.hpp"
#include "prometheus/catalogue.hpp"

namespace sockward {
namespace {

constexpr const char* kExamples = R"(Examples:
  sudo sockward trace                              watch failures live
  sudo sockward trace --json --errno all           every failed call, one JSON object per line
  sudo sockward trace --errno EADDRINUSE,EACCES --comm '^nginx$'
  sudo sockward trace -- nginx -c test.conf        run it, and say what failed in it
  sudo sockward trace --stderr-text                also quote what failing programs wrote
  sudo sockward run --web.listen-address=:9966     the agent; metrics for Prometheus
  sudo sockward explain unix:/run/app.sock --user www-data    would it work, and if not, why
  sudo sockward explain tcp:0.0.0.0:443 --pid 4711
  sudo sockward scan                               the names of this node
  sudo sockward check                              what would be observed here, and what not
  sockward why                                     what failed lately, and why
  sockward why nginx.service --since 2h            … of a unit, pid, command, container, pod or address
  sudo sockward detach                             remove what a killed agent left in the kernel
  sudo sockward demo                               make real failures happen, to try it out
Exit codes: 0 fine, 1 it failed (why: nothing found), 2 usage or configuration.
Documentation: docs/ in the source tree.)";

struct AllFlags {
  RunFlags run;
  TraceFlags trace;
  CheckFlags check;
  ExplainFlags explain;
  ScanFlags scan;
  WhyFlags why;
  DetachFlags detach;
  DemoFlags demo;
  std::string shell;
};

/// The flag of a setting. An empty value is none: --web.config.file="$FILE".
void add_setting_flag(CLI::App& command, const Setting& setting, FlagValues& values) {
  const std::string name(setting.flag), help = flag_help(setting);
  if (std::holds_alternative<kind::Switch>(setting.kind)) {
    command.add_flag_callback(
        name, [&values, name] { values[name] = {"true"}; }, help);
    return;
  }
  if (std::holds_alternative<kind::List>(setting.kind)) {
    using Texts = std::vector<std::string>;
    const auto take = [&values, name](const Texts& given) { values[name] = given; };
    command.add_option_function<Texts>(name, take, help);
    return;
  }
  const auto take = [&values, name](const std::string& given) {
    if (!given.empty()) values[name] = {given};
  };
  CLI::Option* option = command.add_option_function<std::string>(name, take, help);
  if (const auto* choice = std::get_if<kind::Choice>(&setting.kind))
    option->type_name(fmt::format("TEXT:{{{}}}", fmt::join(choice->names, ",")));  // as completion reads it
}

/// Flags of settings: of section `probes`, which every command that observes has, or of the others.
void add_setting_flags(CLI::App& command, bool of_probes, FlagValues& values) {
  for (const SettingsSection& section : settings_table())
    if ((section.name == "probes") == of_probes)
      for (const Setting& setting : section.settings)
        if (!setting.flag.empty()) add_setting_flag(command, setting, values);
}

void add_probe_flags(CLI::App& command, ProbeFlags& flags) {
  add_setting_flags(command, true, flags.settings);
  command.add_option("--btf.path", flags.btf_path,
                     "BTF file for exactly this kernel, where it provides none itself");
  command.add_flag("--config.strict", flags.strict, "fail when any probe cannot be attached");
}

void add_log_flags(CLI::App& command, LogFlags& flags) {
  command.add_option("--log.level", flags.level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  command.add_option("--log.format", flags.format, "logfmt or json")
      ->check(CLI::IsMember({"logfmt", "json"}));
}

void add_run(CLI::App& app, RunFlags& flags) {
  CLI::App& run = *app.add_subcommand("run", "The agent: metrics on HTTP, records on standard output");
  run.add_option("--config.file", flags.config_file, "YAML settings (docs/configuration.md); optional");
  run.add_flag("--print-default-config", flags.print_default_config,
               "print every setting with its default and its meaning, as YAML, and stop");
  add_setting_flags(run, false, flags.probe.settings);
  run.add_flag("--bpf.stats", flags.bpf_stats,
               "measure the programs' run time (slows every BPF program on the node)");
  add_probe_flags(run, flags.probe);
  add_log_flags(run, flags.log);
}

void add_trace(CLI::App& app, TraceFlags& flags) {
  CLI::App& trace =
      *app.add_subcommand("trace", "Live view of failures, of all or of a command; no configuration");
  trace.add_flag("--json", flags.json, "one JSON object per line (docs/records.schema.json)");
  trace.add_option("--errno", flags.errors, "error names, comma-separated; or all; or default")
      ->delimiter(',');
  trace.add_option("--syscall", flags.syscalls, "only these calls, comma-separated")->delimiter(',');
  trace.add_option("--pid", flags.pid, "only this process (thread group)");
  trace.add_option("--comm", flags.comm, "only commands that match this regular expression");
  trace.add_option("--container", flags.container,
                   "only containers whose name matches, e.g. 'docker:.*' or host");
  trace.add_flag("--stderr-text", flags.stderr_text,
                 "also read what new processes write before they fail: finds paths that programs reject "
                 "themselves (adds a little to every write)");
  trace.add_option("--duration", flags.duration_s, "stop after this many seconds")
      ->check(CLI::PositiveNumber);
  trace.add_option("--output", flags.output,
                   "write records to this file; else standard output, or standard error beside a command");
  trace.add_flag("--as-root", flags.as_root, "run the command as root, not as the user who called sudo");
  trace
      .add_option("--linger", flags.linger_s,
                  "seconds to go on for processes that outlive the command (default 1)")
      ->check(CLI::NonNegativeNumber);
  trace.footer(
      "sockward trace [OPTIONS] -- COMMAND [ARGUMENT...]\n"
      "runs the command as the user who called sudo, reports what fails in it and in what it starts, and\n"
      "ends with it and with its exit code (127: not found, 126: not executable).");
  add_probe_flags(trace, flags.probe);
  add_log_flags(trace, flags.log);
}

void add_check(CLI::App& app, CheckFlags& flags) {
  CLI::App& check =
      *app.add_subcommand("check", "What would be observed on this host, and what would stay unseen");
  check.add_option("--config.file", flags.config_file, "also check this file");
  check.add_option("--web.config.file", flags.web_config_file, "and this one");
  check.add_flag("--verbose", flags.verbose, "each probe with its backend, and each operation not seen");
  add_probe_flags(check, flags.probe);
  add_log_flags(check, flags.log);
}

void add_explain(CLI::App& app, ExplainFlags& flags) {
  CLI::App& explain = *app.add_subcommand(
      "explain", "Would bind (or connect) work here, as this or another user, and if not, why; needs no BPF");
  explain.add_option("address", flags.address, "unix:/path, unix:@name, tcp:HOST:PORT or udp:HOST:PORT")
      ->required();
  explain.add_flag("--connect", flags.connect, "ask about connect instead of bind");
  explain.add_option("--pid", flags.pid, "as this process: its namespaces, root, directory and credentials");
  explain.add_option("--user", flags.user, "as this user (name or number), with its groups");
  add_log_flags(explain, flags.log);
}

void add_scan(CLI::App& app, ScanFlags& flags) {
  CLI::App& scan = *app.add_subcommand(
      "scan", "The node's names: UTS namespaces, listeners, sockets near the limit, stale socket files");
  scan.add_flag("--json", flags.json, "one JSON object");
  add_log_flags(scan, flags.log);
}

void add_why(CLI::App& app, WhyFlags& flags) {
  CLI::App& why = *app.add_subcommand(
      "why",
      "What failed, and why, after the fact: from the agent's record store; needs no root for one's own");
  why.add_option("subject", flags.subject,
                 "unit, pid, command, container, pod or address (a path, @name, HOST:PORT); else everything")
      ->type_name("FAILED");  // as completion reads it
  why.add_option("--since", flags.since,
                 "only what failed in this time, e.g. 90s, 10m, 2h (24h without a subject)");
  why.add_flag("--follow", flags.follow, "go on with what fails from now on");
  why.add_flag("--json", flags.json, "one JSON object per group and line (docs/contract.md)");
  why.add_option("--query.socket", flags.socket, "where the agent answers (/run/sockward/query.sock)");
  why.add_option("--records.store", flags.store, "read this file instead of asking the agent");
  why.add_flag("--complete", flags.complete)->group("");
  add_log_flags(why, flags.log);
}

void add_detach(CLI::App& app, DetachFlags& flags) {
  CLI::App& detach = *app.add_subcommand(
      "detach", "Removes what an agent left in the kernel when it was killed, or told to leave it");
  detach.add_option("--restart.pin-path", flags.pin_path,
                    "where the programs are pinned (/sys/fs/bpf/sockward)");
  add_log_flags(detach, flags.log);
}

void add_demo(CLI::App& app, DemoFlags& flags) {
  CLI::App& demo =
      *app.add_subcommand("demo", "Makes real failures happen, in its own namespaces and directory");
  demo.add_option("--internal-truncate", flags.truncate)->group("");
}

void add_completion(CLI::App& app, std::string& shell) {
  CLI::App& completion =
      *app.add_subcommand("completion", "Prints the completion script for bash, zsh or fish");
  completion.add_option("shell", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

/// Names that could have been meant in the place of a wrong one.
std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

const CLI::App& chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

StartupError explain(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App& command = chosen_command(app);
  const auto names = names_of(command);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string next = "see sockward " + (&command == &app ? "" : command.get_name() + " ") + "--help";
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    for (int i = 1; i < argc; ++i) {
      const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
      const bool known =
          std::find(names.begin(), names.end(), word) != names.end() || word == command.get_name();
      if (!known && !word.starts_with('-') && command.get_name() == "trace")
        return usage_error(fmt::format("{}: unknown word", printable(word).text),
                           "a command to run goes behind --: sockward trace -- COMMAND");
      if (!known && !word.empty() && !candidates.empty())
        return usage_error(
            fmt::format("{}: unknown {}", printable(word).text, word.starts_with('-') ? "flag" : "word"),
            fmt::format("did you mean {}? {}", nearest(word, candidates), next));
    }
  }
  return usage_error(printable(error.what()).text, next);
}

/// What stands behind the first "--" of `trace` is a command line of its own: no flag in it is ours. Returns
/// how many words are left.
int take_command(int argc, char** argv, TraceFlags& flags) {
  char** const end = argv + argc;
  if (argc < 2 || std::string_view(argv[1]) != "trace") return argc;
  char** const separator = std::find(argv, end, std::string_view("--"));
  if (separator == end) return argc;
  flags.command.emplace(separator + 1, end);
  return static_cast<int>(separator - argv);
}

void list_metrics() {
  std::puts("| metric | type | labels | meaning |\n| --- | --- | --- | --- |");
  for (const auto& metric : metric_catalogue())
    std::puts(fmt::format("| `{}` | {} | {} | {} |", metric.name, to_string(metric.type), metric.labels,
                          metric.help)
                  .c_str());
}

LogLevel log_level(const std::string& name) {
  return name == "debug"   ? LogLevel::debug
         : name == "warn"  ? LogLevel::warn
         : name == "error" ? LogLevel::error
                           : LogLevel::info;
}

void set_up_log(const LogFlags& flags) {
  configure_log(log_level(flags.level), flags.format == "json" ? LogFormat::json : LogFormat::logfmt);
}

int dispatch(const CLI::App& app, const AllFlags& flags) {
  if (flags.run.print_default_config) return std::fputs(annotated_settings().c_str(), stdout), 0;
  if (app.got_subcommand("run")) return set_up_log(flags.run.log), run_command(flags.run);
  if (app.got_subcommand("trace")) return set_up_log(flags.trace.log), trace_command(flags.trace);
  if (app.got_subcommand("check")) return set_up_log(flags.check.log), check_command(flags.check);
  if (app.got_subcommand("explain")) return set_up_log(flags.explain.log), explain_command(flags.explain);
  if (app.got_subcommand("scan")) return set_up_log(flags.scan.log), scan_command(flags.scan);
  if (app.got_subcommand("why")) return set_up_log(flags.why.log), why_command(flags.why);
  if (app.got_subcommand("detach")) return set_up_log(flags.detach.log), detach_command(flags.detach);
  if (app.got_subcommand("demo")) return demo_command(flags.demo);
  if (app.got_subcommand("completion"))
    return std::fputs(completion_script(app, flags.shell).c_str(), stdout), 0;
  throw usage_error("a command is needed", "see sockward --help");
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("sockward says why a socket could not be bound or reached, and who renamed the host.",
               "sockward");
  AllFlags flags;
  bool metrics = false;
  app.set_version_flag("--version", fmt::format("sockward {} (revision {})", kVersion, kRevision));
  app.add_flag("--list-metrics", metrics, "print every metric as a table (docs/metrics.md) and stop");
  app.footer(kExamples);
  app.require_subcommand(0, 1);
  add_run(app, flags.run);
  add_trace(app, flags.trace);
  add_check(app, flags.check);
  add_explain(app, flags.explain);
  add_scan(app, flags.scan);
  add_why(app, flags.why);
  add_detach(app, flags.detach);
  add_demo(app, flags.demo);
  add_completion(app, flags.shell);
  argc = take_command(argc, argv, flags.trace);
  try {
    app.parse(argc, argv);
    if (metrics) return list_metrics(), 0;
    return dispatch(app, flags);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    throw explain(app, error, argc, argv);
  }
}

}  // namespace sockward
