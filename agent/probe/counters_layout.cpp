#include "probe/counters_layout.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>

namespace sockward {
namespace {

constexpr std::string_view kFirstLine = "sockward counters 1";
constexpr std::size_t kMostPlaces = 1 << 20;  // of a field: more is no layout of ours

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return parts;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The ends of "0..133".
std::optional<std::pair<std::uint32_t, std::uint32_t>> range(std::string_view label) {
  const auto dots = label.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto first = number(label.substr(0, dots)), last = number(label.substr(dots + 2));
  if (!first || !last || *first > *last || *last > kMostPlaces) return std::nullopt;
  return std::pair(*first, *last);
}

std::size_t places_on(std::string_view axis) {
  std::size_t places = 0;
  for (const auto label : split(axis, ','))
    if (const auto numbers = range(label))
      places += numbers->second - numbers->first + 1;
    else
      ++places;
  return places;
}

std::string block_of(std::string_view field) {
  return std::string(field.substr(0, field.find('.')));
}

/// Lies the field in its block?
bool lies_within(const CounterField& field, const CountersLayout& layout) {
  const auto block = layout.blocks.find(block_of(field.name));
  if (block == layout.blocks.end()) return false;
  std::uint64_t places = 1;
  for (const auto& axis : field.axes) places = std::min<std::uint64_t>(kMostPlaces, places * places_on(axis));
  const bool readable = field.bytes == 2 || field.bytes == 4 || field.bytes == 8;
  return readable && field.offset + places * field.bytes <= block->second;
}

std::optional<CounterField> parse_field(std::istringstream& words, const std::string& name) {
  CounterField field{.name = name, .axes = {}};
  if (!(words >> field.offset >> field.bytes)) return std::nullopt;
  for (std::string axis; words >> axis;) field.axes.push_back(axis);
  return field;
}

std::uint64_t read_number(std::span<const std::byte> block, std::uint32_t offset, std::uint32_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, block.data() + offset, bytes);  // both architectures are little-endian
  return value;
}

/// For each place of an axis of `from`, the place with the same label in `to`.
std::vector<std::optional<std::uint64_t>> places_by_label(std::string_view from, std::string_view to) {
  const auto theirs = labels_of(from), own = labels_of(to);
  std::vector<std::optional<std::uint64_t>> places;
  for (const auto& label : theirs) {
    const auto found = label == "-" ? own.end() : std::find(own.begin(), own.end(), label);
    places.push_back(found == own.end() ? std::optional<std::uint64_t>() : found - own.begin());
  }
  return places;
}

}  // namespace

const CounterField* CountersLayout::find(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const CounterField& one) { return one.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool CountersLayout::operator==(const CountersLayout& other) const {
  return to_text(*this) == to_text(other);
}

std::string to_text(const CountersLayout& layout) {
  std::ostringstream text;
  text << kFirstLine << "\nrecords " << layout.records << '\n';
  for (const auto& [name, bytes] : layout.blocks) text << "block " << name << ' ' << bytes << '\n';
  for (const auto& field : layout.fields) {
    text << field.name << ' ' << field.offset << ' ' << field.bytes;
    for (const auto& axis : field.axes) text << ' ' << axis;
    text << '\n';
  }
  return text.str();
}

std::optional<CountersLayout> parse_layout(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) return std::nullopt;
  CountersLayout layout;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "records") {
      std::getline(words >> std::ws, layout.records);
    } else if (name == "block") {
      std::uint32_t bytes = 0;
      if (!(words >> name >> bytes)) return std::nullopt;
      layout.blocks[name] = bytes;
    } else {
      auto field = parse_field(words, name);
      if (!field || !lies_within(*field, layout)) return std::nullopt;
      layout.fields.push_back(std::move(*field));
    }
  }
  const CounterField* const calls = layout.find("counters.calls");
  for (const char* name : {"counters.generation", "key.container", "key.row", "key.slot"})
    if (layout.find(name) == nullptr) return std::nullopt;
  if (calls == nullptr || calls->axes.size() != 2 || !layout.blocks.contains("settled")) return std::nullopt;
  return layout;
}

std::vector<std::string> labels_of(std::string_view axis) {
  std::vector<std::string> labels;
  for (const auto label : split(axis, ',')) {
    if (const auto numbers = range(label))
      for (std::uint32_t n = numbers->first; n <= numbers->second; ++n) labels.push_back(std::to_string(n));
    else
      labels.emplace_back(label);
  }
  return labels;
}

std::map<std::string, std::uint32_t> cells_of(const CountersLayout& layout, std::string_view block) {
  std::map<std::string, std::uint32_t> cells;
  const std::string prefix = std::string(block) + ".";
  for (const auto& field : layout.fields) {
    if (!field.name.starts_with(prefix) || field.bytes != 8) continue;
    std::vector<std::string> labels{""};  // of the places, in their order; unused ones hold "-"
    for (const auto& axis : field.axes) {
      std::vector<std::string> longer;
      for (const auto& before : labels)
        for (const auto& label : labels_of(axis)) {
          const bool unused = label == "-" || before == "-";
          std::string both = unused ? "-" : before;
          if (!unused && !both.empty()) both += ',';
          if (!unused) both += label;
          longer.push_back(std::move(both));
        }
      labels = std::move(longer);
    }
    const std::string name = field.name.substr(prefix.size());
    for (std::uint32_t place = 0; place < labels.size(); ++place)
      if (labels[place] != "-")
        cells[field.axes.empty() ? name : name + "{" + labels[place] + "}"] = field.offset + place * 8;
  }
  return cells;
}

CountsMapping::CountsMapping(const CountersLayout& from, const CountersLayout& to, std::string_view block) {
  const auto places = cells_of(to, block);
  for (const auto& [name, offset] : cells_of(from, block)) {
    const auto place = places.find(name);
    moves_.push_back(
        {name, offset, place == places.end() ? std::nullopt : std::optional<std::uint32_t>(place->second)});
  }
}

void CountsMapping::add(std::span<const std::byte> from, std::span<std::byte> to, LeftBehind& left) const {
  for (const auto& move : moves_) {
    const std::uint64_t count = read_number(from, move.from, 8);
    if (count == 0) continue;
    if (!move.to) {
      left.counts += count;
      left.names.insert(move.name);
      continue;
    }
    const std::uint64_t sum = count + read_number(to, *move.to, 8);
    std::memcpy(to.data() + *move.to, &sum, sizeof(sum));
  }
}

KeyMapping::Places KeyMapping::places_of(const CountersLayout& layout) {
  const auto place = [&](const char* name) {
    const CounterField* const field = layout.find(name);
    return field == nullptr ? Place() : Place{field->offset, field->bytes};
  };
  const auto size = layout.blocks.find("key");
  return {.container = place("key.container"),
          .row = place("key.row"),
          .slot = place("key.slot"),
          .size = size == layout.blocks.end() ? 0 : size->second};
}

KeyMapping::KeyMapping(const CountersLayout& from, const CountersLayout& to)
    : from_(places_of(from)), to_(places_of(to)) {
  const auto &theirs = from.find("counters.calls")->axes, &own = to.find("counters.calls")->axes;
  rows_ = places_by_label(theirs[0], own[0]);
  slots_ = places_by_label(theirs[1], own[1]);
}

std::optional<std::vector<std::byte>> KeyMapping::translate(std::span<const std::byte> key) const {
  if (key.size() != from_.size) return std::nullopt;
  const auto row = read_number(key, from_.row.offset, from_.row.bytes);
  const auto slot = read_number(key, from_.slot.offset, from_.slot.bytes);
  if (row >= rows_.size() || slot >= slots_.size() || !rows_[row] || !slots_[slot]) return std::nullopt;
  const std::uint64_t container = read_number(key, from_.container.offset, from_.container.bytes);
  std::vector<std::byte> result(to_.size);
  std::memcpy(result.data() + to_.container.offset, &container, to_.container.bytes);
  std::memcpy(result.data() + to_.row.offset, &*rows_[row], to_.row.bytes);
  std::memcpy(result.data() + to_.slot.offset, &*slots_[slot], to_.slot.bytes);
  return result;
}

}  // namespace sockward
