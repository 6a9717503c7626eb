#pragma once
#include <cstdint>
#include <string>

#include "record/record.hpp"
#include "record/resource.hpp"

namespace sockward {

/// A record as it is kept: what is asked for, and all of it as the JSON line of the other outputs. Texts are
/// printable; empty: it has none.
struct StoredRecord {
  std::int64_t time_ns = 0;  ///< wall time; unique within a store, so it may be a little later
  std::int64_t group = 0;    ///< equal for records of one cause, error, subject, program and container
  std::string cause;
  std::uint32_t uid = 0, pid = 0;
  std::string unit;       ///< sockward.unit
  std::string comm;       ///< process.executable.name
  std::string container;  ///< by name, else the first 12 digits of its id
  std::string pod;        ///< k8s.pod.name
  std::string address;    ///< of a socket without "unix:", a path, a host name
  std::uint64_t repeats = 0;
  std::string json;
};

/// Takes the columns from the attributes by name. Pure.
StoredRecord stored_record(const Record& record, CommandArgs arguments);

}  // namespace sockward
