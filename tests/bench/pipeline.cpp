// Records through decode, diagnose and JSON on one core: Google Benchmark.
#include <benchmark/benchmark.h>
#include <sockward/event.h>
#include <sys/socket.h>

#include <cstring>

#include "diagnose/engine.hpp"
#include "event/decode.hpp"
#include "jsonl/json_record.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

std::vector<std::byte> bind_record() {
  const std::string address = std::string("\x01\0", 2) + "/run/ergo/ws.sock";
  sockward_socket_call call{};
  call.header.version = SOCKWARD_WIRE_VERSION;
  call.header.kind = SOCKWARD_SOCKET_CALL;
  call.header.size = static_cast<__u16>(sizeof(call) + address.size());
  call.header.result = -EADDRINUSE;
  call.header.tgid = 4121;
  call.is_socket = 1;
  call.family = AF_UNIX;
  call.address_bytes = static_cast<__u16>(address.size());
  std::vector<std::byte> bytes(call.header.size);
  std::memcpy(bytes.data(), &call, sizeof(call));
  std::memcpy(bytes.data() + sizeof(call), address.data(), address.size());
  return bytes;
}

void decode_diagnose_json(benchmark::State& state) {
  const auto bytes = bind_record();
  const FakeHost host;
  Engine engine(host, kHostUts);
  const Resource resource{.service_version = "0.1.0", .host_id = "0123", .host_name = "node1"};
  for (auto _ : state) {
    Record record{.event = *decode(bytes), .resource = resource};
    record.diagnosis = engine.diagnose(record.event);
    benchmark::DoNotOptimize(to_json(record));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_diagnose_json);

}  // namespace
}  // namespace sockward::test

BENCHMARK_MAIN();
