#pragma once
#include "jsonl/json_record.hpp"
#include "jsonl/output_file.hpp"
#include "record/sink.hpp"

namespace sockward {

/// Writes each record as one line of JSON to a file descriptor that it does not own.
class JsonLinesSink final : public Sink {
 public:
  JsonLinesSink(int fd, Resource resource, CommandArgs arguments)
      : output_(fd), resource_(std::move(resource)), arguments_(arguments) {}

  bool write(const Record& record) override {
    const bool taken = output_.add_line(to_json(record, resource_, arguments_));
    // The host has another name from now on.
    const auto* name = std::get_if<NameCall>(&record.event.call);
    if (name != nullptr && record.host_scope && !record.event.failed() && !name->domain)
      resource_.host_name = name->new_name;
    return taken;
  }
  std::uint64_t flush() override {
    output_.flush();
    return output_.take_lost();
  }

 private:
  OutputFile output_;
  Resource resource_;
  CommandArgs arguments_;
};

}  // namespace sockward
