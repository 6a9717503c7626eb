#include "host/paths/mountinfo.hpp"

#include <gtest/gtest.h>

namespace sockward {
namespace {

TEST(Mountinfo, ALineHasItsFieldsWithEscapesDecoded) {
  const auto line = parse_mount_line(
      "90 22 0:50 /a\\040b /srv/x\\011y\\134 rw,relatime,idmapped shared:9 master:1 - ext4 /dev/s\\040db "
      "ro,acl");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, 90u);
  EXPECT_EQ(line->root, "/a b");
  EXPECT_EQ(line->point, "/srv/x\ty\\");
  EXPECT_EQ(line->type, "ext4");
  EXPECT_EQ(line->source, "/dev/s db");
  EXPECT_TRUE(line->has_option("idmapped"));
  EXPECT_FALSE(line->has_option("map"));
  EXPECT_TRUE(line->has_super_option("ro"));
  EXPECT_TRUE(to_mount_point(*line).read_only);
}

TEST(Mountinfo, AnEmptySourceLeavesAWordLess) {
  const auto line = parse_mount_line("30 1 0:26 / /m rw - tmpfs  rw,size=1k");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->source, "");
  EXPECT_EQ(line->super_options, "rw,size=1k");
}

TEST(Mountinfo, BadBytesAreNoLine) {
  for (const char* wrong : {"", " ", "garbage", "x 1 0:1 / / rw - t s o", "1 1 0:1 / / rw t s o",
                            "1 1 0:1 / / rw -", "1 1 0:1 / / rw - t", "- - - - - - - - -"})
    EXPECT_FALSE(parse_mount_line(wrong)) << wrong;
  const auto odd = parse_mount_line("1 1 0:1 /\\ /\\04 rw - t\\9 \\ o");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->root, "/\\");
  EXPECT_EQ(odd->point, "/\\04");
  int taken = 0;
  for_each_mount("garbage\n\n1 1 0:1 / / rw - t s o", [&](const MountLine&) { ++taken; });
  EXPECT_EQ(taken, 1);
}

TEST(Mountinfo, AMountOfAFileWithoutANameSaysSo) {
  const auto removed = parse_mount_line("1 2 0:1 /run/a.sock//deleted /b.sock rw - tmpfs tmpfs rw");
  ASSERT_TRUE(removed);
  const MountPoint point = to_mount_point(*removed);
  EXPECT_TRUE(point.source_removed);
  EXPECT_EQ(point.root, "/run/a.sock");
  EXPECT_EQ(point.point, "/b.sock");
  EXPECT_FALSE(to_mount_point(*parse_mount_line("1 2 0:1 /deleted /b rw - tmpfs tmpfs rw")).source_removed);
}

TEST(Mountinfo, TellsWhichMountsAreIdmappedAndWhichAreNotListed) {
  const std::string text =
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "90 22 0:50 / /srv rw,relatime,idmapped shared:9 - ext4 /dev/sdb rw\n";
  EXPECT_FALSE(id_mapping_of(text, {22}).idmapped);
  EXPECT_TRUE(id_mapping_of(text, {22, 90}).idmapped);
  EXPECT_EQ(id_mapping_of(text, {22, 90, 91}).found, 2u);
  EXPECT_EQ(id_mapping_of("garbage\n\n9", {9}).found, 0u);
}

TEST(Mountinfo, ABindMountedNamespaceHasItsNumberInTheRoot) {
  const auto number = [](const char* root, const char* type) {
    return mounted_namespace({.root = root, .point = "/run/netns/a", .type = type}, "net");
  };
  EXPECT_EQ(number("net:[4026532000]", "nsfs"), 4026532000u);
  for (const char* wrong :
       {"mnt:[4026532000]", "net:[]", "net:[", "net:", "net", "]", "net:[x]", "net:[99999999999]"})
    EXPECT_FALSE(number(wrong, "nsfs")) << wrong;
  EXPECT_FALSE(number("net:[4026532000]", "tmpfs"));
}

}  // namespace
}  // namespace sockward
