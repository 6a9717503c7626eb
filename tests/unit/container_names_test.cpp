// What the files of a node say of a container's names.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "host/containers/container_path.hpp"
#include "host/containers/names/container_names.hpp"
#include "host/containers/names/name_source.hpp"
#include "support/temporary_directory.hpp"

namespace sockward::test {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A node's files, and what is found in them.
class Node : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const auto file = std::filesystem::path(root_.path() + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  ContainerIdentity names_of(const std::string& cgroup_path, bool complete = true) {
    ContainerIdentity container = container_from_cgroup(cgroup_path);
    ContainerNamer namer(root_.path());
    EXPECT_EQ(namer.fill_names(container, cgroup_path), complete) << cgroup_path;
    return container;
  }

  TemporaryDirectory root_;
  const std::string pod_uid_ = "a1b2c3d4-0000-1111-2222-333344445555";
  const std::string pod_cgroup_ =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda1b2c3d4_0000_1111_2222_333344445555."
      "slice/cri-containerd-" +
      kId + ".scope";
};

TEST_F(Node, TheKubeletsLogLinkNamesAPodAndItsContainer) {
  write("/var/log/containers/other_shop_app-" + std::string(64, 'f') + ".log", "");
  write("/var/log/containers/web-7d4b9c-x2x_shop_nginx-" + kId + ".log", "");
  const ContainerIdentity found = names_of(pod_cgroup_);
  EXPECT_EQ(found.pod, "web-7d4b9c-x2x");
  EXPECT_EQ(found.pod_namespace, "shop");
  EXPECT_EQ(found.pod_container, "nginx");
  EXPECT_EQ(found.label(), "k8s:shop/web-7d4b9c-x2x/nginx");
}

TEST_F(Node, ASandboxHasThePodsNameOnly) {
  std::filesystem::create_directories(root_.path() + "/var/log/pods/shop_web-7d4b9c-x2x_" + pod_uid_);
  const ContainerIdentity found = names_of(pod_cgroup_, false);
  EXPECT_EQ(found.label(), "k8s:shop/web-7d4b9c-x2x");
}

TEST_F(Node, BeforeTheLogIsThereTheBundleNamesTheContainer) {
  std::filesystem::create_directories(root_.path() + "/var/log/pods/shop_web_" + pod_uid_);
  write("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json",
        R"({"annotations": {"io.kubernetes.cri.sandbox-namespace": "shop",
            "io.kubernetes.cri.sandbox-name": "web", "io.kubernetes.cri.container-name": "nginx"}})");
  EXPECT_EQ(names_of(pod_cgroup_).label(), "k8s:shop/web/nginx");
}

TEST_F(Node, CrioKeepsThemInItsBundle) {
  write("/run/containers/storage/overlay-containers/" + kId + "/userdata/config.json",
        R"({"annotations": {"io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.name": "web",
            "io.kubernetes.container.name": "POD"}})");
  EXPECT_EQ(names_of("/kubepods/pod" + pod_uid_ + "/crio-" + kId, false).label(), "k8s:shop/web");
}

TEST_F(Node, DockerKnowsTheNameOfAContainer) {
  const std::string cgroup = "/system.slice/docker-" + kId + ".scope";
  EXPECT_EQ(names_of(cgroup, false).label(), "docker:0123456789ab");
  write("/var/lib/docker/containers/" + kId + "/config.v2.json", R"({"Name": "/web-1", "Config": {}})");
  EXPECT_EQ(names_of(cgroup).label(), "docker:web-1");
  write("/etc/docker/daemon.json", R"({"data-root": "/srv/docker"})");
  EXPECT_EQ(names_of(cgroup, false).label(), "docker:0123456789ab");
  write("/srv/docker/containers/" + kId + "/config.v2.json", R"({"Name": "/web-2"})");
  EXPECT_EQ(names_of(cgroup).label(), "docker:web-2");
}

TEST_F(Node, PodmanKnowsTheNameOfRootsAndOfAUsersContainers) {
  const std::string list = R"([{"id": "x"}, {"id": ")" + kId + R"(", "names": ["db", "other"]}])";
  write("/var/lib/containers/storage/overlay-containers/containers.json", list);
  EXPECT_EQ(names_of("/machine.slice/libpod-" + kId + ".scope").label(), "podman:db");
  const std::string rootless =
      "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope";
  EXPECT_EQ(names_of(rootless, false).label(), "podman:0123456789ab");
  write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n");
  write("/home/ann/.local/share/containers/storage/overlay-containers/containers.json", list);
  EXPECT_EQ(names_of(rootless).label(), "podman:db");
}

TEST_F(Node, WhatIsNoJsonHasNoName) {
  const std::string cgroup = "/system.slice/docker-" + kId + ".scope";
  const std::string file = "/var/lib/docker/containers/" + kId + "/config.v2.json";
  for (const std::string text : {"", "[", R"({"Name": 7})", R"({"Name": {"x": "y"}})", "\xff\xfe", "null"}) {
    write(file, text);
    EXPECT_EQ(names_of(cgroup, false).label(), "docker:0123456789ab") << text;
  }
  write(file, R"({"Name": ")" + std::string(1000, 'x') + R"("})");
  EXPECT_EQ(names_of(cgroup).name.size(), 253u);
}

TEST_F(Node, AFifoInAFilesPlaceHoldsNothingUp) {
  const std::string folder = root_.path() + "/var/lib/docker/containers/" + kId;
  std::filesystem::create_directories(folder);
  ASSERT_EQ(mkfifo((folder + "/config.v2.json").c_str(), 0600), 0);
  EXPECT_EQ(names_of("/docker/" + kId, false).label(), "docker:0123456789ab");
}

TEST_F(Node, NoLinkLeadsOutOfTheNode) {
  TemporaryDirectory outside;
  std::ofstream(outside.path() + "/config.v2.json") << R"({"Name": "/outside"})";
  std::filesystem::create_directories(root_.path() + "/var/lib/docker/containers");
  std::filesystem::create_symlink(outside.path(), root_.path() + "/var/lib/docker/containers/" + kId);
  EXPECT_EQ(names_of("/docker/" + kId, false).label(), "docker:0123456789ab");
}

TEST(KubeletLog, OtherFilesNameNothing) {
  EXPECT_FALSE(names_from_log("web_shop_nginx-" + kId + ".log", ""));
  EXPECT_FALSE(names_from_log("web_shop_nginx-" + kId, kId));
  EXPECT_FALSE(names_from_log("web-" + kId + ".log", kId));
  EXPECT_FALSE(names_from_log("web_shop-" + kId + ".log", kId));
}

TEST(UnitFromCgroup, IsWhatTheManagerCallsIt) {
  using enum SystemdUnit::Manager;
  const struct {
    std::string path, name;
    SystemdUnit::Manager manager = system;
  } cases[] = {
      {"/", ""},
      {"", ""},
      {"/system.slice", ""},
      {"/system.slice/nginx.service", "nginx.service"},
      {"/system.slice/nginx.service/worker", "nginx.service"},
      {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
      {"/init.scope", "init.scope"},
      {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
      {"/user.slice/user-1000.slice/user@1000.service/app.slice/redis.service", "redis.service", user},
      {"/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service"},
      {"/system.slice/_cgroup.service", "cgroup.service"},
      {"/system.slice/.service", ""},
      {"/foo/nginx.service", ""},
      {"/system.slice/docker-" + kId + ".scope", ""},
      {"/lxc.payload.web/system.slice/nginx.service", "nginx.service", container},
      {"/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", "nginx.service",
       container},
      {"/machine.slice/systemd-nspawn@web.service/supervisor", ""},
      {"/kubepods/pod1/" + kId, ""},
  };
  for (const auto& c : cases) {
    const auto unit = unit_from_cgroup(c.path);
    EXPECT_EQ(unit ? unit->name : "", c.name) << c.path;
    EXPECT_EQ(unit ? unit->manager : c.manager, c.manager) << c.path;
  }
}

}  // namespace
}  // namespace sockward::test
