// The settings, one row for each. A new one is a member of Settings and a row here; the tests name the
// documents that must follow.
#include "config/settings_table.hpp"

#include <fmt/format.h>

#include <bit>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

using kind::Bytes, kind::Choice, kind::Duration, kind::Labels, kind::List, kind::Number, kind::Switch,
    kind::Text, kind::TextOrOff;

/// `Path` is a lambda that leads from Settings, const or not, to a member.
template <class Path>
using Member = std::remove_cvref_t<std::invoke_result_t<Path, Settings&>>;

template <class Path>
constexpr auto place(Path /*path*/) {
  using T = Member<Path>;
  return At<T>{[](Settings& settings) -> T& { return Path{}(settings); },
               [](const Settings& settings) -> const T& { return Path{}(settings); }};
}

template <class Path>
constexpr Choice choice(Path /*path*/, std::span<const std::string_view> names) {
  using Enum = Member<Path>;
  return {{[](Settings& settings, std::size_t index) { Path{}(settings) = static_cast<Enum>(index); },
           [](const Settings& settings) { return static_cast<std::size_t>(Path{}(settings)); }},
          names};
}

// The tables below would be twice as long without these.
// NOLINTBEGIN(bugprone-macro-parentheses): a member's name cannot stand in parentheses
#define PATH(member)     \
  [](auto& s) -> auto& { \
    return s.member;     \
  }
#define AT(member) place(PATH(member))
#define CHOICE(member, names) choice(PATH(member), names)
// NOLINTEND(bugprone-macro-parentheses)

constexpr std::string_view kBackends[] = {"auto", "fexit", "tracepoint"};
constexpr std::string_view kAudits[] = {"auto", "off"};
constexpr std::string_view kJournald[] = {"auto", "true", "false"};
constexpr std::string_view kOutputs[] = {"auto", "json", "text", "off"};
constexpr std::string_view kArguments[] = {"off", "program", "full"};
constexpr std::string_view kSeverities[] = {"INFO", "WARN", "ERROR"};
constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

void check_errors(const Settings& settings) {
  for (const auto& name : settings.probes.errors)
    if (name != "default" && name != "all" && !errno_number(name))
      throw usage_error(fmt::format("probes.errno: unknown error name \"{}\"", printable(name).text),
                        fmt::format("did you mean {}? Also: all, default", nearest_errno_name(name)));
}

/// Absolute paths and abstract names, or such that end in /*.
void check_ignored_paths(const Settings& settings) {
  for (const auto& path : settings.records.ignore_paths) {
    const std::size_t star = path.find('*');
    const bool good = (path.starts_with('/') || (path.starts_with('@') && path.size() > 1)) &&
                      (star == std::string::npos || (star + 1 == path.size() && path.ends_with("/*")));
    if (!good)
      throw usage_error(
          fmt::format("records.ignore_paths: \"{}\" is no absolute path, no abstract name (\"@name\"), and "
                      "none of them that ends in /*",
                      printable(path).text),
          "write e.g. /run/nscd/socket, or /run/systemd/userdb/* for everything below a directory");
  }
}

void check_ring(const Settings& settings) {
  if (!std::has_single_bit(settings.limits.ring_bytes))
    throw usage_error(fmt::format("limits.ring_bytes: {} is not a power of two", settings.limits.ring_bytes),
                      "use e.g. 1MiB");
}

void check_pin_path(const Settings& settings) {
  const auto& path = settings.restart.pin_path;
  if (path && (!path->starts_with('/') || path->find('.') != std::string::npos))
    throw usage_error(
        fmt::format("restart.pin_path: \"{}\" is not an absolute path without dots", printable(*path).text),
        "names in a bpf file system cannot contain dots; or write off");
}

void check_place(const std::string& value, const char* key, const char* example) {
  if (value != "auto" && value != "off" && !value.starts_with('/'))
    throw usage_error(
        fmt::format("{}: \"{}\" is neither auto, off nor an absolute path", key, printable(value).text),
        fmt::format("write e.g. {}", example));
}

void check_store(const Settings& settings) {
  check_place(settings.records.store, "records.store", "/var/lib/sockward/records.db");
}

void check_query_socket(const Settings& settings) {
  check_place(settings.query.socket, "query.socket", "/run/sockward/query.sock");
}

void check_system_bus(const Settings& settings) {
  check_place(settings.host.system_bus, "host.system_bus", "/run/dbus/system_bus_socket");
}

void check_telemetry_path(const Settings& settings) {
  if (!settings.web.telemetry_path.starts_with('/'))
    throw usage_error("web.telemetry_path must begin with /", "the default is /metrics");
}

constexpr Setting kProbes[] = {
    {"errno", List{AT(probes.errors)}, "default, all, or names of errors: [EADDRINUSE, EACCES]", "",
     check_errors},
    {"backend", CHOICE(probes.backend, kBackends),
     "kind of BPF programs; auto: fexit where the kernel has it", "--probe.backend"},
    {"seccomp_denied", Switch{AT(probes.seccomp_denied)},
     "fexit backend: also see calls that a seccomp filter refused; adds the cost of the exit tracepoints to "
     "every call"},
    {"stderr_text", Switch{AT(probes.stderr_text)},
     "also read what new processes write before they fail: finds rejected paths that come from a file; adds "
     "a little to every write"},
    {"given_up_after", Duration{AT(probes.given_up_after), {0, 3600}},
     "report TCP connects that a program gives up after this long; shorter ones, e.g. of clients that try "
     "IPv6 and IPv4 side by side, are only counted"},
    {"sends", Switch{AT(probes.sends)},
     "also see datagrams sent to AF_UNIX sockets (sd_notify, syslog); adds a little to each of them, with "
     "tracepoints to every sendto, sendmsg and sendmmsg"},
    {"audit", CHOICE(probes.audit, kAudits),
     "auto: read the kernel's audit messages, in which AppArmor and SELinux say what they refused to whom",
     "--probe.audit"},
};

constexpr Setting kNames[] = {
    {"near_limit_bytes", Number{AT(names.near_limit_bytes), {0, 107}},
     "report successful binds of paths this long; 0 = never"},
};

constexpr Setting kRecords[] = {
    {"output", CHOICE(records.output, kOutputs),
     "records on standard output; auto: text on a terminal, else JSON", "--records.output"},
    {"file", Text{AT(records.file)}, "append JSON lines to this file, too; the agent rotates it"},
    {"file_max_bytes", Bytes{AT(records.file_max_bytes)}, "rotate before it exceeds this size; 0 = never"},
    {"file_keep", Number{AT(records.file_keep), {0, 100}}, "rotated files to keep: file.1 is the latest"},
    {"journald", CHOICE(records.journald, kJournald),
     "native fields to the local journal, shown with the unit that failed (systemctl status); auto: when "
     "systemd runs the agent and its output goes there, then without JSON lines on standard output"},
    {"store", Text{AT(records.store)},
     "SQLite file that keeps records for sockward why; auto: records.db in the directory that systemd made "
     "(/var/lib/sockward), off without one",
     "--records.store", check_store},
    {"store_max_bytes", Bytes{AT(records.store_max_bytes), {8 * kMiB, 2047 * kMiB}},
     "the oldest records go before the store exceeds this size"},
    {"store_max_age", Duration{AT(records.store_max_age), {60, 364 * 86400}}, "older records go"},
    {"command_args", CHOICE(records.command_args, kArguments), "arguments may contain passwords"},
    {"fold", Duration{AT(records.fold), {0, 3600}},
     "a repeated failure of one process is written once in this time, with the number of repeats; 0 = every "
     "time"},
    {"ignore_paths", List{AT(records.ignore_paths)},
     "no record of a failed connect to these when no server is there; DIR/* = everything below DIR; "
     "\"@NAME\" = an abstract name; [] = none",
     "", check_ignored_paths},
};

// NOLINTBEGIN(bugprone-macro-parentheses): as above
// clang-format off
#define ACCESS(access)                                                                             \
  {"username", Text{AT(access.username)}, "with password_file; or use bearer_token_file"},         \
  {"password_file", Text{AT(access.password_file)}, "read again for every request"},               \
  {"bearer_token_file", Text{AT(access.bearer_token_file)}, "read again for every request"},       \
  {"ca_file", Text{AT(access.ca_file)}, "TLS: certificates to trust; empty: those of the system"}, \
  {"cert_file", Text{AT(access.cert_file)}, "TLS: client certificate, with key_file"},             \
  {"key_file", Text{AT(access.key_file)}, "TLS: its private key"}
// clang-format on
// NOLINTEND(bugprone-macro-parentheses)

constexpr Setting kAlerts[] = {
    {"alertmanagers", List{AT(alerts.alertmanagers)},
     "[\"http://127.0.0.1:9093\"]; every one gets every alert"},
    {"min_severity", CHOICE(alerts.min_severity, kSeverities), "records below it raise no alert"},
    {"causes", List{AT(alerts.causes)}, "only these causes; empty: all but unknown"},
    {"hold", Duration{AT(alerts.hold), {1, 86400}},
     "how long an alert stays firing after its last occurrence; must exceed the route's group_wait"},
    {"resend", Duration{AT(alerts.resend), {1, 3600}}, "active alerts are resent this often"},
    {"labels", Labels{AT(alerts.labels)}, "added to every alert: {site: lab}"},
    ACCESS(alerts.access),
};

constexpr Setting kOtlp[] = {
    {"url", Text{AT(otlp.url)}, "of a collector: \"http://127.0.0.1:4318\""},
    ACCESS(otlp.access),
};

constexpr Setting kKubernetes[] = {
    {"events", Switch{AT(kubernetes.events)},
     "create Events on pods, which kubectl describe pod shows; needs the rights and the token of "
     "packaging/kubernetes/events",
     "--kubernetes.events"},
    {"min_severity", CHOICE(kubernetes.min_severity, kSeverities), "records below it become no Events"},
    {"pod_rate", Number{AT(kubernetes.pod_rate), {0, 1'000'000}},
     "new Events per minute of one pod; those left out are counted, and their number is said with the next "
     "one; repeats need none: they are counted in the series of their Event; 0 = no limit"},
    {"node_rate", Number{AT(kubernetes.node_rate), {0, 1'000'000}},
     "requests to the API per minute of this agent: new Events, and series that went on; 0 = no limit"},
    {"api_url", Text{AT(kubernetes.api_url)},
     "of the API server; empty: $KUBERNETES_SERVICE_HOST and $KUBERNETES_SERVICE_PORT"},
    {"token_file", Text{AT(kubernetes.token_file)},
     "the service account's token; read again for every request"},
    {"ca_file", Text{AT(kubernetes.ca_file)}, "certificates to trust; empty: those of the system"},
};

constexpr Setting kMetrics[] = {
    {"container_name_cap", Number{AT(metrics.container_name_cap), {1, 10000}},
     "maximum number of label values besides host and ~other"},
    {"container_name_ttl", Duration{AT(metrics.container_name_ttl)},
     "how long series outlive their container"},
};

constexpr Setting kLimits[] = {
    {"ring_bytes", Bytes{AT(limits.ring_bytes), {4 * kKiB, 256 * kMiB}}, "a power of two", "", check_ring},
    {"queue_records", Number{AT(limits.queue_records), {16, 1 << 20}},
     "decoded records waiting for diagnosis"},
    {"source_entries", Number{AT(limits.source_entries), {16, 1 << 20}},
     "container, call, family and errno combinations the kernel can hold"},
    {"bound_names", Number{AT(limits.bound_names), {64, 1 << 20}}, "names whose binder is remembered"},
    {"walk_bytes", Bytes{AT(limits.walk_bytes), {64 * kKiB, 256 * kMiB}},
     "memory for one scan of all open sockets: 80 bytes each, plus the name; sockets left out are counted, "
     "and their absence proves nothing"},
    {"history_entries", Number{AT(limits.history_entries), {16, 1 << 16}},
     "maximum number of renames, failed removals, long arguments and process exits (each) kept for later "
     "diagnoses, for a minute"},
    {"source_rate", Number{AT(limits.source_rate), {0, 1'000'000}},
     "records per second of one container, call and error, after a burst of five times as many; 0 = no "
     "limit"},
    {"address_rate", Number{AT(limits.address_rate), {0, 1'000'000}},
     "the same for one address of these; suppressed records are counted and reported with the next one "
     "(sockward.repeats); 0 = no limit"},
    {"journal_rate", Number{AT(limits.journal_rate), {0, 1'000'000}},
     "entries per minute of one unit in the journal; those left out are counted, and their number is said "
     "with the next one; 0 = no limit"},
};

constexpr Setting kPrivileges[] = {
    {"drop", List{AT(privileges.drop)},
     "capabilities to drop, of those kept once everything is attached: docs/security.md"},
    {"seccomp", Switch{AT(privileges.seccomp)},
     "from then on, forbid starting programs, loading BPF, mounting and more"},
};

constexpr Setting kRestart[] = {
    {"pin_path", TextOrOff{AT(restart.pin_path)},
     "bpffs directory where the programs stay attached when the agent dies; off: nowhere",
     "--restart.pin-path", check_pin_path},
    {"keep_on_stop", Switch{AT(restart.keep_on_stop)},
     "keep the programs attached when the agent is stopped normally, too: the next start misses nothing; "
     "sockward detach removes them",
     "--restart.keep-on-stop"},
};

constexpr Setting kWeb[] = {
    {"listen_address", List{AT(web.listen_address)}, "addresses with ports to serve at",
     "--web.listen-address"},
    {"telemetry_path", Text{AT(web.telemetry_path)}, "path of the metrics", "--web.telemetry-path",
     check_telemetry_path},
    {"enable_ui", Switch{AT(web.enable_ui)}, "serve / and /api/ to anyone who can reach the port",
     "--web.enable-ui"},
    {"config_file", Text{AT(web.config_file)},
     "TLS, users, headers: the web configuration file of Prometheus exporters", "--web.config.file"},
    {"external_url", Text{AT(web.external_url)},
     "URL of the page as users reach it; alerts carry it as generatorURL"},
    {"allowed_hosts", List{AT(web.allowed_hosts)},
     "names accepted in Host headers, besides IP addresses and localhost", "--web.allowed-host"},
};

constexpr Setting kQuery[] = {
    {"socket", Text{AT(query.socket)},
     "where sockward why asks the agent; auto: query.sock in the directory that systemd made "
     "(/run/sockward), off without one",
     "--query.socket", check_query_socket},
    {"group", Text{AT(query.group)},
     "its members get all records, as root does; others those of their own user"},
};

constexpr Setting kHost[] = {
    {"uts_namespace", Number{AT(host.uts_namespace)},
     "inode of the host's UTS namespace (by default the kernel's first one)"},
    {"system_bus", Text{AT(host.system_bus)},
     "socket of the system bus, on which the agent sees who asks systemd-hostnamed for a host name (other "
     "messages do not reach it); auto: of process 1, off",
     "", check_system_bus},
};

#undef ACCESS
#undef CHOICE
#undef AT
#undef PATH

constexpr SettingsSection kSections[] = {
    {.name = "probes", .settings = kProbes, .reloadable = false},
    {.name = "names", .settings = kNames, .reloadable = false},
    {.name = "records", .settings = kRecords, .reloadable = true},
    {.name = "alerts",
     .settings = kAlerts,
     .reloadable = true,
     .help = "pushed to Alertmanagers; off while the list is empty"},
    {.name = "otlp",
     .settings = kOtlp,
     .reloadable = true,
     .help = "OpenTelemetry logs, OTLP/HTTP in JSON encoding; off while the URL is empty"},
    {.name = "kubernetes",
     .settings = kKubernetes,
     .reloadable = true,
     .help = "Events on the pods that failed"},
    {.name = "metrics", .settings = kMetrics, .reloadable = false},
    {.name = "limits", .settings = kLimits, .reloadable = false},
    {.name = "privileges", .settings = kPrivileges, .reloadable = false},
    {.name = "restart", .settings = kRestart, .reloadable = false},
    {.name = "web", .settings = kWeb, .reloadable = false},
    {.name = "query", .settings = kQuery, .reloadable = false},
    {.name = "host", .settings = kHost, .reloadable = false},
};

}  // namespace

std::span<const SettingsSection> settings_table() {
  return kSections;
}

}  // namespace sockward
