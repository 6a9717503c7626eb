#include "query/query_request.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <limits>

namespace sockward {
namespace {

Error refused(std::string what) {
  return make_error(std::errc::invalid_argument, std::move(what));
}

/// One member of the request, into the question. false: its value is not one that it takes.
bool take(Query& query, std::string_view key, const rapidjson::Value& value) {
  const auto time = [&value](std::int64_t& into) {
    if (!value.IsInt64() || value.GetInt64() < 0 ||
        value.GetInt64() == std::numeric_limits<std::int64_t>::max())
      return false;
    into = value.GetInt64();
    return true;
  };
  if (key == "subject") {
    if (!value.IsString() || value.GetStringLength() > Query::kLongestSubject) return false;
    query.subject.assign(value.GetString(), value.GetStringLength());
    return true;
  }
  if (key == "since") return time(query.since_ns);
  if (key == "after") return time(query.after_ns);
  if (key == "names") {
    if (value.IsBool()) query.names = value.GetBool();
    return value.IsBool();
  }
  if (!value.IsUint() || value.GetUint() == 0 || value.GetUint() > Query::kMostGroups) return false;
  query.limit = value.GetUint();  // "limit": the last one there is
  return true;
}

}  // namespace

std::string to_request(const Query& query) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.StartObject();
  out.Key("subject");
  out.String(query.subject.data(), static_cast<rapidjson::SizeType>(query.subject.size()));
  out.Key("since");
  out.Int64(query.since_ns);
  out.Key("after");
  out.Int64(query.after_ns);
  out.Key("limit");
  out.Uint64(query.limit);
  out.Key("names");
  out.Bool(query.names);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

Result<Query> parse_request(std::string_view line) {
  if (line.size() > kLongestQueryRequest) return refused("a request has at most 4096 bytes");
  // A small stack of its own: it is given up, not recursed into, by what is nested deeply.
  rapidjson::Document request;
  request.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(line.data(),
                                                                                        line.size());
  if (request.HasParseError() || !request.IsObject())
    return refused("a request is one JSON object on a line");
  constexpr std::string_view kKnown[] = {"subject", "since", "after", "limit", "names"};
  Query query;
  const rapidjson::Value& object = request;  // constant: RapidJSON's other iterators are ambiguous in C++20
  for (const auto& [key, value] : object.GetObject()) {
    const std::string_view name(key.GetString(), key.GetStringLength());
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
      return refused("a request has subject, since, after, limit and names, and nothing else");
    if (!take(query, name, value)) return refused(fmt::format("{} has a value that it does not take", name));
  }
  return query;
}

}  // namespace sockward
