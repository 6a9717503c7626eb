// Counts that go from one layout to another by name, and how a layout is written down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sockward/counters.h>

#include <cstring>

#include "probe/counters_layout.hpp"

namespace sockward::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CountersLayout layout(const std::string& fields, std::uint32_t counters = 256) {
  const std::string text = "sockward counters 1\nrecords 3 bind\nblock counters " + std::to_string(counters) +
                           "\nblock key 16\nblock settled 64\ncounters.generation 0 4\n" + fields;
  const auto parsed = parse_layout(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(CountersLayout());
}

const char* const kKey = "key.container 0 8\nkey.row 8 2\nkey.slot 10 2\n";

/// A block of counters by what is in it.
class Block {
 public:
  explicit Block(const CountersLayout& layout)
      : cells_(cells_of(layout, "counters")), bytes(layout.blocks.at("counters")) {}
  void set(const std::string& name, std::uint64_t value) {
    std::memcpy(bytes.data() + cells_.at(name), &value, sizeof(value));
  }
  std::uint64_t operator[](const std::string& name) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + cells_.at(name), sizeof(value));
    return value;
  }
  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const auto& [name, offset] : cells_) sum += (*this)[name];
    return sum;
  }

 private:
  std::map<std::string, std::uint32_t> cells_;

 public:
  std::vector<std::byte> bytes;
};

TEST(CountersLayout, LabelsOfAnAxis) {
  EXPECT_THAT(labels_of("0..2,other,-"), ElementsAre("0", "1", "2", "other", "-"));
  EXPECT_THAT(labels_of("bind/unix"), ElementsAre("bind/unix"));
}

TEST(CountersLayout, OfTodayHasAPlaceForAllThatPinsOfVersion3Hold) {
  const auto before = parse_layout(kLayoutOfVersion3);
  ASSERT_TRUE(before);
  for (const char* block : {"counters", "settled"}) {
    const auto today = cells_of(own_layout(), block);
    for (const auto& [name, offset] : cells_of(*before, block)) EXPECT_TRUE(today.contains(name)) << name;
  }
}

TEST(CountersLayout, ARangeThatIsNoneIsALabel) {
  EXPECT_THAT(labels_of("0..4000000000,2..1"), ElementsAre("0..4000000000", "2..1"));
}

TEST(CountersLayout, SurvivesItsText) {
  const auto read = parse_layout(to_text(own_layout()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, own_layout());
  EXPECT_EQ(read->records, own_layout().records);
}

TEST(CountersLayout, DescribesEveryByteOfTheCounters) {
  const auto described = cells_of(own_layout(), "counters").size() * 8;
  const auto unused = SOCKWARD_ROWS * (SOCKWARD_SLOTS - SOCKWARD_SLOT_OTHER - 1) * sizeof(__u64) +
                      sizeof(sockward_cpu_counters::unused) + sizeof(sockward_cpu_counters::reserved);
  EXPECT_EQ(described + unused + sizeof(sockward_cpu_counters::generation), sizeof(sockward_cpu_counters));
  EXPECT_EQ(cells_of(own_layout(), "settled").size() * 8 + sizeof(sockward_settled::reserved),
            sizeof(sockward_settled));
}

TEST(CountersLayout, CellsAreWhereTheCompilerPutThem) {
  const auto cells = cells_of(own_layout(), "counters");
  sockward_cpu_counters block{};
  const auto offset = [&](const __u64& cell) {
    return reinterpret_cast<const char*>(&cell) - reinterpret_cast<const char*>(&block);
  };
  EXPECT_EQ(cells.at("calls{connect/inet6,111}"),
            offset(block.calls[sockward_row(SOCKWARD_CONNECT, SOCKWARD_FAMILY_INET6)][111]));
  EXPECT_EQ(
      cells.at("calls{move_mount,other}"),
      offset(block.calls[sockward_row(SOCKWARD_MOVE_MOUNT, SOCKWARD_FAMILY_NONE)][SOCKWARD_SLOT_OTHER]));
  EXPECT_EQ(cells.at("hostname_changes{host,io_uring,domainname}"),
            offset(block.hostname_changes[SOCKWARD_SCOPE_HOST][SOCKWARD_VIA_IO_URING][1]));
  EXPECT_EQ(cells.at("sequence{compat_setdomainname}"),
            offset(block.sequence[SOCKWARD_PROBE_COMPAT_SETDOMAINNAME]));
  EXPECT_EQ(cells.at("path_lengths{longer}"), offset(block.path_lengths[SOCKWARD_PATH_LENGTHS - 1]));
  EXPECT_EQ(cells.at("suppressed"), offset(block.suppressed));
}

TEST(CountersLayout, RefusesWhatIsNone) {
  const std::string good = kLayoutOfVersion3;
  ASSERT_TRUE(parse_layout(good));
  for (const auto& [before, after] : {std::pair{"counters 1", "counters 2"},
                                      {"block counters 33024", "block counters 33"},
                                      {"block counters 33024\n", ""},
                                      {"counters.generation", "counters.generatio"},
                                      {"0..133", "0..1048576"},
                                      {"key.row 8 2", "key.row 15 2"},
                                      {"key.row 8 2", "key.row 8 3"},
                                      {"key.row 8 2", "key.row 8"},
                                      {" 0..133,other,-\n", "\n"}}) {
    std::string text = good;
    text.replace(text.find(before), std::strlen(before), after);
    const auto parsed = parse_layout(text);
    EXPECT_FALSE(parsed) << before << " -> " << after;
  }
  EXPECT_FALSE(parse_layout(""));
  EXPECT_FALSE(parse_layout("sockward counters 1\n"));
}

TEST(CountersLayout, RowsThatMovedAndSlotsThatGrewKeepTheirCounts) {
  const auto before = layout("counters.calls 8 8 bind/unix,listen 0..1,other,-\n" + std::string(kKey));
  const auto after = layout("counters.calls 32 8 listen,connect,bind/unix 0..3,other\n" + std::string(kKey));
  Block from(before), to(after);
  from.set("calls{bind/unix,1}", 5);
  from.set("calls{bind/unix,other}", 7);
  from.set("calls{listen,0}", 11);
  to.set("calls{listen,0}", 100);
  LeftBehind left;
  CountsMapping(before, after, "counters").add(from.bytes, to.bytes, left);
  EXPECT_EQ(to["calls{bind/unix,1}"], 5U);
  EXPECT_EQ(to["calls{bind/unix,other}"], 7U);
  EXPECT_EQ(to["calls{listen,0}"], 111U) << "added to what is there";
  EXPECT_EQ(to.sum(), 123U) << "and nowhere else";
  EXPECT_THAT(left.names, IsEmpty());
}

TEST(CountersLayout, WhatIsGoneIsSaidAndWhatIsNewBeginsWithNothing) {
  const auto before = layout(
      "counters.calls 8 8 bind/unix,creat 0..1\ncounters.old 40 8\n"
      "counters.empty 48 8\n" +
      std::string(kKey));
  const auto after = layout("counters.calls 8 8 bind/unix 0..1\ncounters.fresh 40 8\n" + std::string(kKey));
  Block from(before), to(after);
  from.set("calls{bind/unix,1}", 2);
  from.set("calls{creat,1}", 3);
  from.set("old", 4);
  LeftBehind left;
  CountsMapping(before, after, "counters").add(from.bytes, to.bytes, left);
  EXPECT_EQ(to["calls{bind/unix,1}"], 2U);
  EXPECT_EQ(to["fresh"], 0U);
  EXPECT_EQ(left.counts, 7U);
  EXPECT_THAT(left.names, ElementsAre("calls{creat,1}", "old"));
}

TEST(CountersLayout, Version3GoesIntoAnyOther) {
  const auto before = parse_layout(kLayoutOfVersion3);
  ASSERT_TRUE(before);
  CountersLayout after = *before;
  for (auto& field : after.fields)
    if (field.name.starts_with("counters.")) field.offset += 64;
  after.blocks["counters"] += 64;
  Block from(*before), to(after);
  std::uint64_t next = 1, sum = 0;
  for (const auto& [name, offset] : cells_of(*before, "counters")) from.set(name, next), sum += next++;
  LeftBehind left;
  CountsMapping(*before, after, "counters").add(from.bytes, to.bytes, left);
  for (const auto& [name, offset] : cells_of(*before, "counters")) EXPECT_EQ(to[name], from[name]) << name;
  EXPECT_EQ(to.sum(), sum);
  EXPECT_EQ(left.counts, 0U);
}

TEST(CountersLayout, KeysOfContainersFollowTheirRowAndSlot) {
  const auto before = layout("counters.calls 8 8 bind/unix,creat 0..2,other\n" + std::string(kKey));
  const auto after = layout(
      "counters.calls 8 8 listen,bind/unix 0..5,other\n"
      "key.container 8 8\nkey.row 4 4\nkey.slot 2 2\n");
  const KeyMapping mapping(before, after);
  const auto key = [](std::uint64_t container, std::uint16_t row, std::uint16_t slot) {
    std::vector<std::byte> bytes(16);
    std::memcpy(bytes.data(), &container, 8);
    std::memcpy(bytes.data() + 8, &row, 2);
    std::memcpy(bytes.data() + 10, &slot, 2);
    return bytes;
  };
  const auto translated = mapping.translate(key(0x1234567890, 0, 3));
  ASSERT_TRUE(translated);
  ASSERT_EQ(translated->size(), 16U);
  std::uint64_t container = 0;
  std::uint32_t row = 0;
  std::uint16_t slot = 0;
  std::memcpy(&container, translated->data() + 8, 8);
  std::memcpy(&row, translated->data() + 4, 4);
  std::memcpy(&slot, translated->data() + 2, 2);
  EXPECT_EQ(container, 0x1234567890U);
  EXPECT_EQ(row, 1U) << "bind/unix";
  EXPECT_EQ(slot, 6U) << "other";
  EXPECT_FALSE(mapping.translate(key(1, 1, 1))) << "creat is gone";
  EXPECT_FALSE(mapping.translate(key(1, 7, 1))) << "no such row";
  EXPECT_FALSE(mapping.translate(std::vector<std::byte>(8))) << "no such key";
}

}  // namespace
}  // namespace sockward::test
