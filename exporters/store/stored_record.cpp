#include "store/stored_record.hpp"

#include "base/fnv1a.hpp"
#include "jsonl/json_record.hpp"
#include "record/attributes.hpp"
#include "store/subject.hpp"

namespace sockward {
namespace {

/// The attributes that make a row, as they come.
struct Columns {
  StoredRecord row;
  std::string error, address, path, resolved, hostname, container_id, container_name, k8s_container;

  void take(std::string_view key, const AttributeValue& value) {
    static const std::map<std::string_view, std::string Columns::*> kOwn = {
        {"error.type", &Columns::error},
        {"sockward.address", &Columns::address},
        {"sockward.path", &Columns::path},
        {"sockward.path.resolved", &Columns::resolved},
        {"sockward.hostname.new", &Columns::hostname},
        {"container.id", &Columns::container_id},
        {"container.name", &Columns::container_name},
        {"k8s.container.name", &Columns::k8s_container}};
    static const std::map<std::string_view, std::string StoredRecord::*> kOfRow = {
        {"sockward.cause", &StoredRecord::cause},
        {"sockward.unit", &StoredRecord::unit},
        {"process.executable.name", &StoredRecord::comm},
        {"k8s.pod.name", &StoredRecord::pod}};
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      if (const auto own = kOwn.find(key); own != kOwn.end()) this->*own->second = *text;
      if (const auto of_row = kOfRow.find(key); of_row != kOfRow.end()) row.*of_row->second = *text;
    } else if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      if (key == "process.pid") row.pid = static_cast<std::uint32_t>(*number);
      if (key == "process.user.id") row.uid = static_cast<std::uint32_t>(*number);
      if (key == "sockward.repeats") row.repeats = *number;
    }
  }
};

/// Of texts, without the sign.
std::int64_t hash_of(std::initializer_list<std::string_view> texts) {
  constexpr std::string_view kEnd("\0", 1);
  std::uint64_t hash = kFnv1aStart;
  for (const std::string_view text : texts) hash = fnv1a(kEnd, fnv1a(text, hash));
  return static_cast<std::int64_t>(hash >> 1);
}

}  // namespace

StoredRecord stored_record(const Record& record, CommandArgs arguments) {
  Columns columns;
  visit_attributes(record, arguments,
                   [&](std::string_view key, const AttributeValue& value) { columns.take(key, value); });
  StoredRecord row = std::move(columns.row);
  row.time_ns = record.time.ns;
  const auto first_of = [](std::initializer_list<const std::string*> texts) {
    for (const std::string* text : texts)
      if (!text->empty()) return *text;
    return std::string();
  };
  row.container = first_of({&columns.k8s_container, &columns.container_name, &columns.container_id});
  if (columns.k8s_container.empty() && columns.container_name.empty())
    row.container = row.container.substr(0, kContainerIdDigits);
  row.address = first_of({&columns.resolved, &columns.address, &columns.path, &columns.hostname});
  row.address = std::string(plain_address(row.address));
  row.group = hash_of({row.cause, columns.error, row.address, row.comm, row.container, row.pod, row.unit});
  row.json = to_json(record, arguments);
  return row;
}

}  // namespace sockward
