// The kernel's audit messages, as real kernels wrote them (6.1, 6.12 and 7.3 of Debian), and hostile ones.
#include <gtest/gtest.h>

#include "host/audit/audit_message.hpp"

namespace sockward::test {
namespace {

using namespace std::string_literals;
using Module = AuditedDenial::Module;

AuditedDenial denial(const std::string& text) {
  const auto found = denial_in(text);
  if (!found || !*found) {
    ADD_FAILURE() << text;
    return {};
  }
  return **found;
}

/// Understood, and no refusal.
bool is_other(const std::string& text) {
  const auto found = denial_in(text);
  return found && !*found;
}

bool is_malformed(const std::string& text) {
  return !denial_in(text);
}

TEST(AuditMessage, OfAppArmorAboutAFile) {
  const auto found = denial(
      "audit(1795732212.294:4): apparmor=\"DENIED\" operation=\"mknod\" class=\"file\" "
      "profile=\"sockward_paths\" name=\"/tmp/policy/x\" pid=159 comm=\"confined\" requested_mask=\"c\" "
      "denied_mask=\"c\" fsuid=0 ouid=0");
  EXPECT_EQ(found.module, Module::apparmor);
  EXPECT_EQ(found.serial, 4U);
  EXPECT_EQ(found.time.ns, 1795732212'294'000'000);
  EXPECT_EQ(found.tgid, 159U);
  EXPECT_EQ(found.comm, "confined");
  EXPECT_EQ(found.subject, "sockward_paths");
  EXPECT_EQ(found.operation, "mknod");
  EXPECT_EQ(found.kind, "file");
  EXPECT_EQ(found.name, "/tmp/policy/x");
  EXPECT_TRUE(found.whole_path);
  EXPECT_EQ(found.requested, "c");
  EXPECT_EQ(found.denied, "c");
}

TEST(AuditMessage, OfAppArmorAboutASocketWithoutItsAddress) {
  const auto found = denial(
      "audit(1795732197.108:8): apparmor=\"DENIED\" operation=\"bind\" "
      "profile=736F636B77617264206E6574776F726B73 pid=106 comm=\"confined\" family=\"inet\" "
      "sock_type=\"stream\" protocol=6 requested_mask=\"bind\" denied_mask=\"bind\"");
  EXPECT_EQ(found.subject, "sockward networks");
  EXPECT_EQ(found.family, "inet");
  EXPECT_EQ(found.type, "stream");
  EXPECT_FALSE(found.whole_path);
  EXPECT_FALSE(found.source_port);
}

TEST(AuditMessage, OfAppArmorAboutASocketWithItsAddress) {
  const auto port = denial(
      "audit(1795732532.353:8): apparmor=\"DENIED\" operation=\"bind\" class=\"net\" "
      "info=\"failed af match\" error=-13 "
      "profile=736F636B77617264206E6574776F726B73 pid=125 comm=\"confined\" saddr=127.0.0.1 "
      "src=8080 family=\"inet\" sock_type=\"stream\" protocol=6 requested=\"bind\" denied=\"bind\"");
  EXPECT_EQ(port.source_port, 8080);
  EXPECT_EQ(port.info, "failed af match");
  EXPECT_EQ(port.denied, "bind");
  const auto path = denial(
      "audit(1795732532.349:7): apparmor=\"DENIED\" operation=\"bind\" class=\"net\" "
      "info=\"failed af match\" error=-13 "
      "profile=\"p\" pid=125 comm=\"confined\" family=\"unix\" sock_type=\"stream\" protocol=0 "
      "requested=\"bind\" denied=\"bind\" addr=\"/tmp/free/x\"");
  EXPECT_EQ(path.name, "/tmp/free/x");
  EXPECT_TRUE(path.whole_path);
  const std::string connecting =
      "audit(1795734231.713:9): apparmor=\"DENIED\" operation=\"connect\" class=\"net\" "
      "info=\"failed af match\" error=-13 profile=\"p\" pid=200 comm=\"confined\" family=\"unix\" "
      "sock_type=\"stream\" protocol=0 requested=\"send receive connect\" "
      "denied=\"send receive connect\" ";
  EXPECT_EQ(denial(connecting + "addr=none peer_addr=\"/tmp/free/served\"").name, "/tmp/free/served");
  EXPECT_EQ(denial(connecting + "addr=\"/own\" peer_addr=\"@bus\"").name, "@bus");
  EXPECT_EQ(denial(connecting + "addr=\"/own\" peer_addr=none").name, "");
}

TEST(AuditMessage, OfSELinuxAboutAFile) {
  const auto found = denial(
      "audit(1795732247.286:6): avc:  denied  { unlink } for  pid=159 comm=\"confined\" name=6C69207665 "
      "dev=\"tmpfs\" ino=10 scontext=system_u:system_r:denied_t tcontext=system_u:object_r:object_t "
      "tclass=sock_file permissive=0");
  EXPECT_EQ(found.module, Module::selinux);
  EXPECT_EQ(found.operation, "unlink");
  EXPECT_EQ(found.name, "li ve");
  EXPECT_FALSE(found.whole_path);
  EXPECT_EQ(found.inode, 10U);
  EXPECT_EQ(found.kind, "sock_file");
  EXPECT_EQ(found.subject, "system_u:system_r:denied_t");
  EXPECT_EQ(found.object, "system_u:object_r:object_t");
}

TEST(AuditMessage, OfSELinuxAboutPortsAndPaths) {
  const auto bind = denial(
      "audit(1795732278.236:5): avc:  denied  { name_bind } for  pid=108 comm=\"confined\" src=8080 "
      "scontext=a:b:c tcontext=d:e:f tclass=tcp_socket permissive=0");
  EXPECT_EQ(bind.source_port, 8080);
  const auto connect = denial(
      "audit(1795732278.244:6): avc:  denied  { name_connect } for  pid=108 comm=\"confined\" dest=8081 "
      "scontext=a:b:c tcontext=d:e:f tclass=tcp_socket permissive=0");
  EXPECT_EQ(connect.destination_port, 8081);
  const auto to = denial(
      "audit(1795732278.264:7): avc:  denied  { connectto } for  pid=108 comm=\"confined\" "
      "path=\"/tmp/free/served\" scontext=a:b:c tcontext=d:e:f tclass=unix_stream_socket permissive=0");
  EXPECT_EQ(to.name, "/tmp/free/served");
  EXPECT_TRUE(to.whole_path);
  EXPECT_EQ(denial("audit(1.000:7): avc:  denied  { connectto } for  pid=1 path=0061206231 scontext=a:b:c "
                   "tcontext=d:e:f tclass=unix_stream_socket permissive=0")
                .name,
            "\0a b1"s);
  EXPECT_EQ(denial("audit(1.000:7): avc:  denied  { write add_name } for  pid=1 name=\"d\" ino=3 "
                   "scontext=a:b:c tcontext=d:e:f tclass=dir permissive=0")
                .operation,
            "write add_name");
}

TEST(AuditMessage, WhatWasNotRefusedIsNoRefusal) {
  EXPECT_TRUE(
      is_other("audit(1795732196.844:2): apparmor=\"STATUS\" operation=\"profile_load\" "
               "profile=\"unconfined\" name=\"p\" pid=98 comm=\"cat\""));
  EXPECT_TRUE(
      is_other("audit(1.000:2): apparmor=\"ALLOWED\" operation=\"mknod\" profile=\"p\" name=\"/x\" "
               "pid=98 comm=\"a\" requested_mask=\"c\" denied_mask=\"c\""));
  EXPECT_TRUE(
      is_other("audit(1.000:5): avc:  denied  { name_bind } for  pid=108 comm=\"a\" src=80 "
               "scontext=a:b:c tcontext=d:e:f tclass=tcp_socket permissive=1"));
  EXPECT_TRUE(is_other("audit(1.000:5): avc:  granted  { name_bind } for  pid=108 scontext=a:b:c"));
  EXPECT_TRUE(is_other("audit(1.000:5): lsm=SMACK fn=smack_inode_unlink action=denied subject=\"a\""));
  EXPECT_TRUE(is_other("audit(1.000:5): "));
}

TEST(AuditMessage, ANameCannotLookLikeAField) {
  // The name is: x" pid=1 profile="unconfined
  const auto found = denial(
      "audit(1.000:4): apparmor=\"DENIED\" operation=\"mknod\" profile=\"p\" "
      "name=2F78222070696420313D2022 pid=159 comm=\"a\"");
  EXPECT_EQ(found.name, "/x\" pid 1= \"");
  EXPECT_EQ(found.tgid, 159U);
  EXPECT_EQ(found.subject, "p");
  // Quoted digits are no hexadecimal ones.
  EXPECT_EQ(denial("audit(1.000:4): apparmor=\"DENIED\" operation=\"mknod\" profile=\"ABCD\" name=\"4142\" "
                   "pid=159 comm=\"4142\"")
                .name,
            "4142");
  EXPECT_EQ(denial("audit(1.000:4): apparmor=\"DENIED\" operation=\"mknod\" profile=p name=41424 pid=1").name,
            "41424");
}

TEST(AuditMessage, WhatCannotBeUnderstoodIsAnError) {
  for (const char* text :
       {"", "audit", "audit(", "audit(1.2", "audit(1.000:", "audit(1.000:x): apparmor=\"DENIED\"",
        "audit(-1.000:1): apparmor=\"DENIED\" operation=\"bind\" pid=1",
        "audit(1.1000:1): apparmor=\"DENIED\" operation=\"bind\" pid=1",
        "audit(99999999999.000:1): apparmor=\"DENIED\" operation=\"bind\" pid=1",
        "audit(1.000:1): apparmor=\"DENIED\" operation=\"bind\" pid=x",
        "audit(1.000:1): apparmor=\"DENIED\" operation=\"bind\" pid=99999999999999999999",
        "audit(1.000:1): apparmor=\"DENIED\" operation=\"bind\"", "audit(1.000:1): apparmor=\"DENIED\" pid=1",
        "audit(1.000:1): avc:  denied  { name_bind", "audit(1.000:1): avc:  denied  { name_bind } for  pid=1",
        "audit(1.000:1): avc:  denied  { name_bind } for  pid=1 src=70000 tclass=tcp_socket"})
    EXPECT_TRUE(is_malformed(text)) << text;
  EXPECT_TRUE(is_malformed("audit(1.000:1): apparmor=\"DENIED\" operation=\"bind\" pid=1 name=\"" +
                           std::string(kLongestAuditMessage, 'x') + "\""));
}

TEST(AuditMessage, OneThatTheKernelCutIsReadAsFarAsItGoes) {
  const std::string whole =
      "audit(1.000:4): apparmor=\"DENIED\" operation=\"mknod\" profile=\"p\" pid=159 name=\"/tmp/policy/x\"";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto found = denial_in(whole.substr(0, size));
    if (found && *found) {
      EXPECT_TRUE(whole.find((*found)->name) != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sockward::test
