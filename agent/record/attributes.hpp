#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "record/record.hpp"
#include "record/resource.hpp"

namespace sockward {

/// The value of an attribute. Texts are printable (base/printable.hpp): valid UTF-8 without control
/// characters. The first alternative, null, says that the kernel side could not read it.
using AttributeValue =
    std::variant<std::monostate, bool, std::uint64_t, std::string_view, std::span<const std::string>>;

/// Takes one attribute. Key and value are valid during the call only.
using AttributeVisitor = std::function<void(std::string_view key, const AttributeValue& value)>;

/// Every attribute of a record, each once and always in the same order. The one place that knows their names
/// (docs/records.schema.json, docs/contract.md): JSON lines, OTLP and the journal write what they get here.
/// Pure.
void visit_attributes(const Record& record, CommandArgs arguments, const AttributeVisitor& visit);

/// The attributes of the resource: service.name, service.version, host.id, host.name. Pure.
void visit_attributes(const Resource& resource, const AttributeVisitor& visit);

}  // namespace sockward
