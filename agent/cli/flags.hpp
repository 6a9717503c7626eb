#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/probe_settings.hpp"

namespace sockward {

struct LogFlags {
  std::string level = "info", format = "logfmt";
};

struct RunFlags {
  ProbeFlags probe;
  LogFlags log;
  std::string config_file;
  bool print_default_config = false, bpf_stats = false;
};

struct TraceFlags {
  ProbeFlags probe;
  LogFlags log{.level = "warn"};
  bool json = false;
  std::vector<std::string> errors, syscalls;  ///< no errors: the default ones
  unsigned pid = 0;
  std::string comm, container;
  bool stderr_text = false;
  double duration_s = 0;  ///< 0: until stopped
  std::string output;     ///< file for records; empty: standard output, or standard error beside a command
  /// What stands behind "--"; nullopt: there was none.
  std::optional<std::vector<std::string>> command;
  bool as_root = false;
  double linger_s = 1;  ///< how long what outlives the command is traced
};

struct CheckFlags {
  ProbeFlags probe;
  LogFlags log{.level = "error"};
  std::string config_file, web_config_file;
  bool verbose = false;  ///< each probe
};

struct ExplainFlags {
  LogFlags log{.level = "error"};
  std::string address;
  bool connect = false;
  unsigned pid = 0;  ///< 0: this very program
  std::string user;  ///< empty: the one of the process
};

struct ScanFlags {
  LogFlags log{.level = "error"};
  bool json = false;
};

struct WhyFlags {
  LogFlags log{.level = "error"};
  std::string subject, since;
  bool follow = false, json = false;
  bool complete = false;  ///< internal: names for completion
  std::string socket = "/run/sockward/query.sock";
  std::string store;  ///< empty: the agent is asked, or else the usual file is read
};

struct DetachFlags {
  LogFlags log{.level = "warn"};
  std::string pin_path = "/sys/fs/bpf/sockward";
};

struct DemoFlags {
  std::string truncate;  ///< internal: play the runtime that cuts this path
};

// Each command returns its exit code and throws StartupError.
int run_command(const RunFlags& flags);
int trace_command(const TraceFlags& flags);
int check_command(const CheckFlags& flags);
int explain_command(const ExplainFlags& flags);
int scan_command(const ScanFlags& flags);
int why_command(const WhyFlags& flags);
int detach_command(const DetachFlags& flags);
int demo_command(const DemoFlags& flags);

/// Parses the command line and runs the command. Exit codes: 0 fine, 1 failed, 2 usage or configuration.
int run_command_line(int argc, char** argv);

}  // namespace sockward
