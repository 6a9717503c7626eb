#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sockward {

/// Everything an administrator can set; a default for each. sockward.yml and flags fill it; flags win.
struct Settings {
  struct Probes {
    std::vector<std::string> errors{"default"};  ///< "default", "all", or errno names
    std::string backend = "auto";                ///< auto | fexit | tracepoint
    bool seccomp_denied = false;                 ///< fexit backend: also see what seccomp filters refuse
    bool stderr_text = false;                    ///< read what young processes that fail have written
    bool operator==(const Probes&) const = default;
  } probes;
  struct Names {
    std::uint32_t near_limit_bytes = 100;  ///< report successful binds of paths this long; 0: never; 1..107
    bool operator==(const Names&) const = default;
  } names;
  struct Records {
    std::string output = "auto";              ///< auto | json | text | off: what goes to standard output
    std::string file;                         ///< JSON lines are appended here too; empty: no file
    std::uint32_t file_max_bytes = 64 << 20;  ///< the file is put aside before it grows beyond; 0: never
    std::uint32_t file_keep = 5;              ///< previous files that are kept: file.1 to file.N
    bool journald = false;                    ///< native fields to the local journal
    std::string command_args = "off";         ///< off | program | full
    std::chrono::seconds fold{
        5};  ///< the same failure of one process is written once in this time; 0: always
    /// Socket files, or everything below a directory (written DIR/ and a star): a connect to one that nobody
    /// answers gets no record. By default those that libc's name service modules ask before they fall back.
    std::vector<std::string> ignore_paths{"/run/nscd/socket", "/var/run/nscd/socket", "/run/systemd/userdb/*",
                                          "/run/systemd/resolve/io.systemd.Resolve", "/var/lib/sss/pipes/*"};
  } records;
  /// How an HTTP server is reached that records or alerts are sent to.
  struct Access {
    std::string username, password_file, bearer_token_file, ca_file, cert_file, key_file;
  };
  struct Otlp {
    std::string url;  ///< of an OpenTelemetry collector, http://127.0.0.1:4318; empty: none
    Access access;
  } otlp;
  struct Alerts {
    std::vector<std::string> alertmanagers;  ///< URLs; every one gets every alert; empty: nothing is pushed
    std::string min_severity = "WARN";       ///< INFO | WARN | ERROR
    std::vector<std::string> causes;         ///< only these; empty: all but unknown
    std::chrono::seconds hold{300};  ///< how long an alert outlives its last occurrence; 5 m at least is wise
    std::chrono::seconds resend{60};
    std::map<std::string, std::string> labels;  ///< added to every alert
    Access access;
  } alerts;
  struct Metrics {
    std::uint32_t container_name_cap = 200;        ///< label values besides host and ~other
    std::chrono::seconds container_name_ttl{600};  ///< how long series outlive their container
    bool operator==(const Metrics&) const = default;
  } metrics;
  struct Limits {
    std::uint32_t ring_bytes = 1 << 20;  ///< a power of two, 4 KiB to 256 MiB
    std::uint32_t queue_records = 8192;  ///< decoded records waiting for diagnosis
    std::uint32_t source_entries =
        8192;                          ///< container, call, family and errno combinations the kernel can hold
    std::uint32_t bound_names = 4096;  ///< names whose binder is remembered
    std::uint32_t walk_bytes = 2 << 20;    ///< of one scan of all open sockets
    std::uint32_t history_entries = 1024;  ///< what happened in the last minute, of each kind
    /// Records per second, after a burst of five times as many; 0: any number. What is held back is counted.
    std::uint32_t source_rate = 200;  ///< of one container, call and error
    std::uint32_t address_rate = 10;  ///< of one address in it
    bool operator==(const Limits&) const = default;
  } limits;
  struct Privileges {
    std::vector<std::string> drop;  ///< of the capabilities that are kept by default (docs/security.md)
    bool seccomp = true;            ///< forbid what is not needed once everything is attached
    bool operator==(const Privileges&) const = default;
  } privileges;
  struct Restart {
    /// Folder of bpffs where the kernel side lives on when the agent dies; "off": nowhere.
    std::string pin_path = "/sys/fs/bpf/sockward";
    bool keep_on_stop = false;  ///< also when it is stopped in good order
    bool operator==(const Restart&) const = default;
  } restart;
  struct Web {
    std::vector<std::string> listen_address{"127.0.0.1:9966"};
    std::string telemetry_path = "/metrics";
    bool enable_ui = false;
    std::string config_file;   ///< TLS, users, headers: as every exporter has it; empty: plain HTTP
    std::string external_url;  ///< where people reach the page; alerts carry it
    std::vector<std::string> allowed_hosts;
    bool operator==(const Web&) const = default;
  } web;
  struct Host {
    std::uint32_t uts_namespace =
        4026531838;  ///< inode of the UTS namespace that is the host's (PROC_UTS_INIT_INO)
    bool operator==(const Host&) const = default;
  } host;
};

/// Reads a YAML file. Unknown keys, wrong types and values out of range are a StartupError (usage) that names
/// the file, the line and the nearest right name.
Settings load_settings(const std::string& file);
/// The same from text; `origin` names it in errors.
Settings parse_settings(const std::string& yaml, const std::string& origin);
/// Checks values that flags may have changed too. Throws StartupError (usage).
void validate(const Settings& settings);

/// "90s", "10m", "2h" or plain seconds. Throws StartupError (usage), naming `what`.
std::chrono::seconds parse_duration(const std::string& text, const std::string& what);
/// "1MiB", "512KiB" or plain bytes. Throws StartupError (usage), naming `what`.
std::uint32_t parse_bytes(const std::string& text, const std::string& what);

}  // namespace sockward
