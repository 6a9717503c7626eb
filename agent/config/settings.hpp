#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "record/record.hpp"

namespace sockward {

/// Everything an administrator can set; a default for each. sockward.yml and flags fill it; flags win. Key,
/// range, choices and meaning of each member are its row in config/settings_table.cpp.
struct Settings {
  struct Probes {
    enum class Backend { automatic, fexit, tracepoint };
    std::vector<std::string> errors{"default"};  ///< "default", "all", or errno names
    Backend backend = Backend::automatic;
    bool seccomp_denied = false;
    bool stderr_text = false;
    std::chrono::seconds given_up_after{1};
    bool sends = false;
    enum class Audit { automatic, off };
    Audit audit = Audit::automatic;
  } probes;
  struct Names {
    std::uint32_t near_limit_bytes = 100;
  } names;
  struct Records {
    enum class Output { automatic, json, text, off };
    Output output = Output::automatic;
    std::string file;  ///< empty: no file
    std::uint32_t file_max_bytes = 64 << 20;
    std::uint32_t file_keep = 5;
    enum class Journald { automatic, on, off };
    Journald journald = Journald::automatic;
    std::string store = "auto";  ///< "auto", "off" or a path; see place_of()
    std::uint32_t store_max_bytes = 64 << 20;
    std::chrono::seconds store_max_age{168 * 3600};
    CommandArgs command_args = CommandArgs::off;
    std::chrono::seconds fold{5};
    /// Socket files and, with an @ in front, abstract names, or everything below one (written DIR/ and a
    /// star): a connect to one that nobody answers gets no record. By default those that are asked as a
    /// matter of course: by libc's name service modules before they fall back, by systemd for a splash
    /// screen, by lxc, LXD and Incus for containers that do not run.
    std::vector<std::string> ignore_paths{"/run/nscd/socket",
                                          "/var/run/nscd/socket",
                                          "/run/systemd/userdb/*",
                                          "/run/systemd/resolve/io.systemd.Resolve",
                                          "/var/lib/sss/pipes/*",
                                          "@/org/freedesktop/plymouthd",
                                          "@/var/lib/lxc/*",
                                          "@/var/lib/lxd/containers/*",
                                          "@/var/lib/incus/containers/*"};
  } records;
  /// How an HTTP server is reached that records or alerts are sent to. Empty: not used.
  struct Access {
    std::string username, password_file, bearer_token_file, ca_file, cert_file, key_file;
  };
  struct Alerts {
    std::vector<std::string> alertmanagers;  ///< URLs; empty: nothing is pushed
    Severity min_severity = Severity::warn;
    std::vector<std::string> causes;  ///< empty: all but unknown
    std::chrono::seconds hold{300};
    std::chrono::seconds resend{60};
    std::map<std::string, std::string> labels;
    Access access;
  } alerts;
  struct Otlp {
    std::string url;  ///< empty: none
    Access access;
  } otlp;
  struct Kubernetes {
    bool events = false;
    Severity min_severity = Severity::warn;
    std::uint32_t pod_rate = 10;   ///< Events per minute; 0: any number
    std::uint32_t node_rate = 60;  ///< requests per minute; 0: any number
    std::string api_url;           ///< empty: where a pod is told that the API is
    std::string token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    std::string ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
  } kubernetes;
  struct Metrics {
    std::uint32_t container_name_cap = 200;
    std::chrono::seconds container_name_ttl{600};
  } metrics;
  struct Limits {
    std::uint32_t ring_bytes = 1 << 20;
    std::uint32_t queue_records = 8192;
    std::uint32_t source_entries = 8192;
    std::uint32_t bound_names = 4096;
    std::uint32_t walk_bytes = 2 << 20;
    std::uint32_t history_entries = 1024;
    std::uint32_t source_rate = 200;  ///< records per second; 0: any number
    std::uint32_t address_rate = 10;  ///< records per second; 0: any number
    std::uint32_t journal_rate = 30;  ///< records per minute; 0: any number
  } limits;
  struct Privileges {
    std::vector<std::string> drop;
    bool seccomp = true;
  } privileges;
  struct Restart {
    std::optional<std::string> pin_path = "/sys/fs/bpf/sockward";  ///< nullopt: nothing is pinned
    bool keep_on_stop = false;
  } restart;
  struct Web {
    std::vector<std::string> listen_address{"127.0.0.1:9966"};
    std::string telemetry_path = "/metrics";
    bool enable_ui = false;
    std::string config_file;  ///< empty: plain HTTP
    std::string external_url;
    std::vector<std::string> allowed_hosts;
  } web;
  struct Query {
    std::string socket = "auto";  ///< "auto", "off" or a path; see place_of()
    std::string group = "sockward";
  } query;
  struct Host {
    std::uint32_t uts_namespace = 4026531838;  ///< PROC_UTS_INIT_INO, include/linux/proc_ns.h
    std::string system_bus = "auto";           ///< see system_bus()
  } host;
};

/// Reads a YAML file. Unknown keys, wrong types and values out of range are a StartupError (usage) that names
/// the file, the line and the nearest right name.
Settings load_settings(const std::string& file);
/// The same from text; `origin` names it in errors.
Settings parse_settings(const std::string& yaml, const std::string& origin);

/// What flags that set a setting were given: "--web.listen-address" -> its values.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;
/// Flags win over the file. Throws StartupError (usage), also for a combination that is out of range.
void override_settings(Settings& settings, const FlagValues& flags);
/// Checks values. Throws StartupError (usage).
void validate(const Settings& settings);

/// Sections that differ and that only a new start changes, because they are in the kernel or in open sockets
/// by now: "probes, web". Empty: none.
std::string sections_needing_restart(const Settings& now, const Settings& wanted);

/// The settings as YAML, each with what it means: what docs/configuration.md and sockward.yml show.
std::string annotated_settings(const Settings& settings = {});

/// Where the file of a setting lies that is a path, "off", or "auto": then in the directory that the service
/// manager made for the agent and named in this environment variable. Empty: nowhere.
std::string place_of(const std::string& setting, const char* directory_variable, const char* file);
/// Where records are kept, and where they are asked for. Empty: nowhere.
std::string store_path(const Settings& settings);
std::string query_socket(const Settings& settings);
/// The socket of the system bus to watch: what is set, or that of the node. Empty: none.
std::string system_bus(const Settings& settings);

/// "90s", "10m", "2h" or plain seconds. Throws StartupError (usage), naming `what`.
std::chrono::seconds parse_duration(const std::string& text, const std::string& what);
/// "1MiB", "512KiB" or plain bytes. Throws StartupError (usage), naming `what`.
std::uint32_t parse_bytes(const std::string& text, const std::string& what);

}  // namespace sockward
