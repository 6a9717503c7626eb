// Records in, text out, compared byte for byte with files. `SOCKWARD_UPDATE_GOLDEN=1 unit_tests` writes them
// anew: review the difference.
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "journald/journald_sink.hpp"
#include "jsonl/json_record.hpp"
#include "kubernetes/pod_event.hpp"
#include "otlp/otlp_json.hpp"
#include "support/builders.hpp"
#include "terminal/terminal_text.hpp"

namespace sockward::test {
namespace {

const Resource kResource{
    .service_version = "0.1.0", .host_id = "0123456789abcdef0123456789abcdef", .host_name = "node1"};

Record finished(Event event, Diagnosis diagnosis) {
  Record record{.event = std::move(event), .time = {1'763'776'800'123'456'789}, .resource = kResource};
  record.diagnosis = std::move(diagnosis);
  record.context.executable = "/usr/bin/ergo";
  record.context.container = ContainerIdentity{.runtime = "lxc", .name = "irc"};
  record.context.cgroup_path = "/lxc.payload.irc";
  return record;
}

std::vector<std::pair<std::string, Record>> records() {
  Event relative = unix_call(Syscall::connect, ECONNREFUSED, "rel\xff.sock", 12);
  std::get<SocketCall>(relative.call).directory = {Directory::State::known, "/run/ergo"};
  Event unreadable = an_event(Syscall::bind, EFAULT);
  unreadable.call = SocketCall{.fd = 4,
                               .address_length = 16,
                               .address = {},
                               .directory = {},
                               .is_socket = true,
                               .family = AF_INET,
                               .type = SOCK_STREAM,
                               .protocol = IPPROTO_TCP};
  Event loop = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(loop.call).resolve = 6;
  Record renamed = finished(name_call(0, "node1", "pwned", Via::sysctl), {.cause = Cause::hostname_changed,
                                                                          .confidence = Confidence::certain,
                                                                          .evidence = {"read back"},
                                                                          .advice = "set it back"});
  renamed.host_scope = true;
  Record held = finished(
      unix_call(Syscall::bind, EADDRINUSE, "/run/ergo/ws.sock", 20),
      {.cause = Cause::address_in_use,
       .confidence = Confidence::certain,
       .evidence = {"a listener"},
       .advice = "stop it",
       .holder = Holder{.pid = 7, .uid = 0, .pidns = 4026531836, .comm = "ergo", .container = "host"}});
  held.repeats = 3;
  return {{"bind_in_use", held},
          {"connect_relative_raw_bytes", finished(relative, {.evidence = {"errno ECONNREFUSED"}})},
          {"bind_unreadable", finished(unreadable, {})},
          {"bind_privileged_port",
           finished(inet_bind(EACCES, tcp4("127.0.0.1", 80)), {.cause = Cause::privileged_port,
                                                               .confidence = Confidence::certain,
                                                               .evidence = {"port 80 is below 1024"},
                                                               .advice = "use 8080"})},
          {"bind_near_limit", finished(unix_call(Syscall::bind, 0, "/run/" + std::string(98, 'n'), 106),
                                       {.cause = Cause::path_near_limit,
                                        .confidence = Confidence::certain,
                                        .evidence = {"103 bytes"}})},
          {"openat2_loop", finished(loop, {})},
          {"host_renamed", renamed}};
}

void compare(const std::string& file, const std::string& text) {
  const std::string path = SOCKWARD_SOURCE_DIR "/tests/golden/" + file;
  if (std::getenv("SOCKWARD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream stream(path);
  std::ostringstream wanted;
  wanted << stream.rdbuf();
  EXPECT_EQ(text, wanted.str()) << file;
}

TEST(Golden, JsonLines) {
  for (const auto& [name, record] : records()) compare("json/" + name + ".json", to_json(record) + "\n");
}

/// As indented JSON: the request is one line, and is read by people here.
std::string indented(const std::string& json) {
  rapidjson::Document document;
  document.Parse(json.c_str(), json.size());
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  document.Accept(writer);
  return std::string(buffer.GetString()) + "\n";
}

TEST(Golden, OtlpRequests) {
  for (const auto& [name, record] : records())
    compare("otlp/" + name + ".json", indented(to_otlp_request({to_otlp_record(record, CommandArgs::off)})));
}

TEST(Golden, KubernetesEvents) {
  for (auto [name, record] : records()) {
    record.context.container = ContainerIdentity{.runtime = "containerd",
                                                 .id = std::string(64, '0'),
                                                 .pod_uid = "a1b2c3d4-0000-1111-2222-333344445555",
                                                 .pod_namespace = "shop",
                                                 .pod = "web-7d4b9c-x2x",
                                                 .pod_container = "ergo"};
    const PodEvent event = pod_event_of(record, record.resource.host_name).value();
    compare("kubernetes/" + name + ".json",
            indented(creation_of(event, object_name(event), event.times, event.time)));
  }
}

TEST(Golden, JournalFields) {
  for (const auto& [name, record] : records()) {
    std::string lines;
    for (const auto& field : journal_fields(record, CommandArgs::off)) lines += field + "\n";
    compare("journal/" + name + ".txt", lines);
  }
}

TEST(Golden, TerminalLines) {
  setenv("TZ", "UTC", 1);
  tzset();
  for (const auto& [name, record] : records())
    compare("terminal/" + name + ".txt", to_terminal(record, {}) + "\n");
}

}  // namespace
}  // namespace sockward::test
