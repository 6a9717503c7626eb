#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockward {

/// A number, or a table of numbers, in a block of a pinned map.
struct CounterField {
  std::string name;  ///< "counters.calls": the block, then the field
  std::uint32_t offset = 0, bytes = 8;
  /// The labels along each axis, the outermost first: "bind/unix,bind/inet", "0..133,other,-". Two dots are a
  /// range of numbers, and "-" is a place that is not used.
  std::vector<std::string> axes;
};

/// How a version lays out the counters that it pins, by name. It is pinned as text beside them, so that the
/// next version finds each count whatever its own layout is. Pure.
struct CountersLayout {
  /// Version of the records and numbers of the calls: what the maps beside the counters hold.
  std::string records;
  std::map<std::string, std::uint32_t> blocks;  ///< bytes of each
  std::vector<CounterField> fields;

  const CounterField* find(std::string_view name) const;
  bool operator==(const CountersLayout& other) const;
};

/// Of the counters that this program is compiled with.
CountersLayout own_layout();
/// Of version 3, whose pins hold no text.
extern const char* const kLayoutOfVersion3;

std::string to_text(const CountersLayout& layout);
/// nullopt: not a layout, or in a way of another version.
std::optional<CountersLayout> parse_layout(std::string_view text);

/// The labels of an axis, one for each place: "0..2,other" are four.
std::vector<std::string> labels_of(std::string_view axis);

/// Where the numbers of eight bytes of a block are, by name: "calls{bind/unix,13}", "ring_full".
std::map<std::string, std::uint32_t> cells_of(const CountersLayout& layout, std::string_view block);

/// Counts that have no place in the new layout.
struct LeftBehind {
  std::uint64_t counts = 0;
  std::set<std::string> names;
};

/// Takes the counts of a block from one layout to another, by name.
class CountsMapping {
 public:
  CountsMapping(const CountersLayout& from, const CountersLayout& to, std::string_view block);
  /// Adds what is in `from` to what is in `to`. Both have the size of their block.
  void add(std::span<const std::byte> from, std::span<std::byte> to, LeftBehind& left) const;

 private:
  struct Move {
    std::string name;
    std::uint32_t from = 0;
    std::optional<std::uint32_t> to;
  };
  std::vector<Move> moves_;
};

/// The same for the keys of the counts by container.
class KeyMapping {
 public:
  KeyMapping(const CountersLayout& from, const CountersLayout& to);
  /// nullopt: such a failure has no place in the new layout.
  std::optional<std::vector<std::byte>> translate(std::span<const std::byte> key) const;

 private:
  struct Place {
    std::uint32_t offset = 0, bytes = 0;
  };
  struct Places {
    Place container, row, slot;
    std::uint32_t size = 0;
  };
  static Places places_of(const CountersLayout& layout);

  Places from_, to_;
  std::vector<std::optional<std::uint64_t>> rows_, slots_;
};

}  // namespace sockward
