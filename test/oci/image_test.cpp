#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <drivers/runtime/oci/fs.hpp>
#include <drivers/runtime/oci/process.hpp>
#include <drivers/runtime/oci/reference.hpp>

#include "support.hpp"
#include "test/net/free_port.hpp"

using namespace skerry;
using namespace skerry::test;
namespace driver = skerry::drivers::oci;

namespace {

/// Debian's docker-registry on the loopback, with the images that are pushed to it.
class registry {
public:
  explicit registry(const std::string& directory, bool locked = false)
      : directory_{directory}, locked_{locked}, port_{free_port()} {
    start();
  }
  ~registry() { stop(); }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  void start() {
    shell("mkdir -p " + directory_);
    // user "user", password "secret", by bcrypt
    (void)driver::write_atomic(directory_ + "/htpasswd",
                               "user:$2b$05$VcxnXulBRGF6j9fDYicZx.D5zEO58/vZJ7xNaO2BxprKh0P0rYVqy\n");
    (void)driver::write_atomic(
        directory_ + "/config.yml",
        "version: 0.1\nlog:\n  accesslog:\n    disabled: false\nstorage:\n  filesystem:\n    rootdirectory: " +
            directory_ + "/storage\nhttp:\n  addr: " + host() + "\n" +
            (locked_ ? "auth:\n  htpasswd:\n    realm: test\n    path: " + directory_ + "/htpasswd\n" : ""));
    driver::command c;
    c.arguments = {driver::find_program("docker-registry"), "serve", directory_ + "/config.yml"};
    c.environment = {"PATH=/usr/bin:/bin", "HOME=/root", "OTEL_TRACES_EXPORTER=none"};
    c.output_file = directory_ + "/log";
    auto r = driver::start(c, false);
    BOOST_REQUIRE(r);
    child_ = *r;
    auto ask = "busybox wget -q -O /dev/null http://" + host() + "/v2/ 2>&1";
    BOOST_REQUIRE(world::wait([&] {
      auto said = shell_output(ask);
      return said.empty() || said.find("401") != std::string::npos;
    }));
  }
  void stop() {
    if (child_.pid < 0) return;
    kill(child_.pid, SIGKILL);
    driver::reap(child_);
  }
  std::string push(const std::string& archive, const std::string& name) {
    auto credentials = std::string{locked_ ? "--dest-creds user:secret " : ""};
    BOOST_REQUIRE(shell("skopeo --insecure-policy copy -q --dest-tls-verify=false " + credentials +
                        "docker-archive:" + archive + " docker://" + host() + "/" + name) == 0);
    return host() + "/" + name;
  }
  /// How often blobs were asked for (GET /v2/.../blobs/...).
  int fetched() const {
    return atoi(shell_output("grep -c 'GET /v2/.*/blobs/sha256:.* 200' " + directory_ + "/log").c_str());
  }

private:
  std::string directory_;
  bool locked_;
  int port_;
  driver::child child_;
};

caf::expected<ports::image_info> ensure(const std::string& name,
                                        ports::pull_policy policy = ports::pull_policy::if_not_present) {
  return world::call<ports::image_info>([&](auto f) { the_world().runtime->ensure_image(name, policy, f); });
}

caf::expected<ports::image_info> import(const std::string& archive, const std::string& name = "") {
  return world::call<ports::image_info>([&](auto f) { the_world().runtime->import_image(archive, name, f); });
}

caf::expected<void> forget(const std::string& name) {
  return world::call<void>([&](auto f) { the_world().runtime->remove_image(name, f); });
}

void expect(const caf::expected<ports::image_info>& r, errc code, const std::string& words = "") {
  BOOST_REQUIRE_MESSAGE(!r, "was accepted: " << words);
  BOOST_TEST((code_of(r.error()) == code), to_string(code_of(r.error())) << ": " << message_of(r.error()));
  BOOST_TEST(message_of(r.error()).find(words) != std::string::npos, message_of(r.error()));
}

std::string layers() { return shell_output("ls " + the_world().options.data_dir + "/layers | sort"); }

/// Prints what a command in a fresh container of the image prints.
std::string output_of(const std::string& image, const std::string& script) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("image"));
  auto spec = w.container("image", "main", {"sh", "-c", script});
  spec.image = image;
  auto s = w.run(spec);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  BOOST_REQUIRE(w.ended(s->id));
  auto out = shell_output("sed 's,^[^ ]* [^ ]* [^ ]* ,,' " + w.runtime->log_path(s->id));
  BOOST_TEST(!!w.remove_pod("image"));
  return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(oci, skerry::test::tidy)

BOOST_AUTO_TEST_CASE(names_are_normalised) {
  for (auto [text, normal] : std::initializer_list<std::pair<const char*, const char*>>{
           {"busybox", "docker.io/library/busybox:latest"},
           {"busybox:1.36", "docker.io/library/busybox:1.36"},
           {"team/app", "docker.io/team/app:latest"},
           {"localhost/app", "localhost/app:latest"},
           {"127.0.0.1:5000/a/b:v1", "127.0.0.1:5000/a/b:v1"},
           {"index.docker.io/library/x", "docker.io/library/x:latest"},
           {"ghcr.io/a__b/c-d.e:V_1.0-x", "ghcr.io/a__b/c-d.e:V_1.0-x"},
           {"x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "docker.io/library/x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
           {"x:tag@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "docker.io/library/x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}) {
    auto r = driver::parse_reference(text);
    BOOST_REQUIRE_MESSAGE(r, text);
    BOOST_TEST(r->text() == normal);
  }
  for (auto* text : {"", "Busybox", "a b", "x:", "x@sha256:12", "x@md5:aaaa", "/x", "x/", "a//b", "-x", "x_", "a___b",
                     "host:port/x", "x:-tag", "a..b"}) {
    auto r = driver::parse_reference(text);
    BOOST_REQUIRE_MESSAGE(!r, text);
    BOOST_TEST(message_of(r.error()).starts_with("InvalidImageName"));
  }
}

BOOST_AUTO_TEST_CASE(images_come_from_a_registry) {
  auto& w = the_world();
  auto a = w.directory + "/a.tar", b = w.directory + "/b.tar";
  std::vector<layer_file> base{{"bin/sh", "", "busybox"}, {"bin/cat", "", "busybox"}, {"base", "registry base\n", ""}};
  make_archive(a, "team/a:1", {base, {{"which", "a\n", ""}}}, R"({"Cmd":["sh"]})");
  make_archive(b, "team/b:1", {base, {{"which", "b\n", ""}}}, R"({"Cmd":["sh"]})");
  registry r{w.directory + "/registry"};
  auto name_a = r.push(a, "team/a:1"), name_b = r.push(b, "team/b:1");

  expect(ensure(name_a, ports::pull_policy::never), errc::not_found, "ErrImageNeverPull");
  // Many ask at once: one pull.
  std::atomic<int> answered{0}, good{0};
  for (int i = 0; i < 8; ++i)
    w.runtime->ensure_image(name_a, ports::pull_policy::if_not_present, [&](caf::expected<ports::image_info> v) {
      good += v ? 1 : 0;
      ++answered;
    });
  BOOST_REQUIRE(world::wait([&] { return answered == 8; }, 60'000));
  BOOST_TEST(good == 8);
  BOOST_TEST(r.fetched() == 3);  // a configuration and two layers
  auto before = layers();
  auto info = ensure(name_b);
  BOOST_REQUIRE_MESSAGE(info, why(info));
  BOOST_TEST(r.fetched() == 5);  // the base layer is here
  BOOST_TEST(info->names.size() == 1u);
  BOOST_TEST(info->size_bytes > 500'000u);
  auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  BOOST_TEST(count(layers()) == count(before) + 1);
  BOOST_TEST(output_of(name_b, "cat /base /which") == "registry base\nb");

  auto digest = shell_output("skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://" + name_a);
  auto by_digest = r.host() + "/team/a@" + digest;
  auto pulled = ensure(by_digest, ports::pull_policy::always);
  BOOST_REQUIRE_MESSAGE(pulled, why(pulled));
  BOOST_TEST(output_of(by_digest, "cat /which") == "a");
  BOOST_REQUIRE(w.make_pod("digest"));
  auto spec = w.container("digest", "main", {"sh", "-c", "true"});
  spec.image = name_a;
  auto s = w.run(spec);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  BOOST_TEST(s->image_id == by_digest);
  BOOST_TEST(!!w.remove_pod("digest"));

  expect(ensure(r.host() + "/team/a:none"), errc::not_found, "team/a:none");
  expect(ensure(r.host() + "/team/none"), errc::not_found, "team/none");
  expect(ensure(r.host() + "/team/a@sha256:" + std::string(64, 'e')), errc::not_found);
  r.stop();
  BOOST_TEST(!!ensure(name_a));
  expect(ensure(name_a, ports::pull_policy::always), errc::unavailable, "connection refused");
  for (auto& name : {name_a, name_b, by_digest}) BOOST_TEST(!!forget(name));
  BOOST_TEST(layers().find(before) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_locked_registry_wants_a_password) {
  auto& w = the_world();
  auto archive = w.directory + "/locked.tar";
  make_archive(archive, "team/locked:1", {{{"bin/sh", "", "busybox"}}}, R"({"Cmd":["sh"]})");
  registry r{w.directory + "/locked", true};
  auto name = r.push(archive, "team/locked:1");
  expect(ensure(name), errc::unauthorized);
  BOOST_REQUIRE(shell("echo secret | skopeo login --tls-verify=false --authfile " + w.directory +
                      "/auth.json -u user --password-stdin " + r.host() + " >/dev/null") == 0);
  auto old = w.options.auth_file;
  w.options.auth_file = w.directory + "/auth.json";
  w.start();
  auto info = ensure(name);
  BOOST_REQUIRE_MESSAGE(info, why(info));
  w.options.auth_file = old;
  w.start();
  BOOST_TEST(!!forget(name));
}

BOOST_AUTO_TEST_CASE(upper_layers_take_away_from_lower_ones) {
  auto& w = the_world();
  auto archive = w.directory + "/whiteouts.tar";
  std::vector<layer_file> first{
      {"bin/sh", "", "busybox"}, {"bin/ls", "", "busybox"},  {"bin/cat", "", "busybox"},   {"gone", "x", ""},
      {"dir/old", "x", ""},      {"dir/sub/older", "x", ""}, {"kept/file", "lower\n", ""}, {"again/old", "x", ""}};
  std::vector<layer_file> second{{".wh.gone", "", ""},         {"dir/.wh..wh..opq", "", ""}, {"dir/new", "x", ""},
                                 {"kept/.wh.nothing", "", ""}, {".wh.again", "", ""},        {"again/new", "x", ""}};
  std::vector<layer_file> third{{"gone2", "back\n", ""}};
  make_archive(archive, "test/whiteouts:1", {first, second, third}, R"({"Cmd":["sh"]})");
  auto info = import(archive);
  BOOST_REQUIRE_MESSAGE(info, why(info));
  BOOST_TEST(output_of("test/whiteouts:1", "ls /gone 2>/dev/null; ls /dir /kept /again; cat /kept/file; cat /gone2") ==
             "/again:\nnew\n\n/dir:\nnew\n\n/kept:\nfile\nlower\nback");
  BOOST_TEST(!!forget("test/whiteouts:1"));
}

BOOST_AUTO_TEST_CASE(many_layers_are_stacked_in_order) {
  auto& w = the_world();
  auto archive = w.directory + "/many.tar";
  std::vector<std::vector<layer_file>> layers{{{"bin/sh", "", "busybox"}, {"bin/cat", "", "busybox"}}};
  for (int i = 0; i < 60; ++i) layers.push_back({{"top", std::to_string(i) + "\n", ""}});
  make_archive(archive, "test/many:1", layers, R"({"Cmd":["sh"]})");
  auto info = import(archive);
  BOOST_REQUIRE_MESSAGE(info, why(info));
  BOOST_TEST(output_of("test/many:1", "cat /top") == "59");
  BOOST_TEST(!!forget("test/many:1"));
}

BOOST_AUTO_TEST_CASE(archives_of_both_kinds_are_imported) {
  auto& w = the_world();
  auto archive = w.directory + "/docker.tar", other = w.directory + "/oci.tar";
  make_archive(archive, "test/archive:1",
               {{{"bin/sh", "", "busybox"}, {"bin/cat", "", "busybox"}, {"what", "archive\n", ""}}},
               R"({"Cmd":["sh"]})");
  BOOST_REQUIRE(shell("skopeo --insecure-policy copy -q docker-archive:" + archive + " oci-archive:" + other +
                      ":test/oci:2") == 0);
  auto docker = import(archive);
  BOOST_REQUIRE_MESSAGE(docker, why(docker));
  auto oci = import(other);
  BOOST_REQUIRE_MESSAGE(oci, why(oci));
  auto named = import(other, "test/named");
  BOOST_REQUIRE_MESSAGE(named, why(named));
  BOOST_TEST(output_of("docker.io/test/archive:1", "cat /what") == "archive");
  BOOST_TEST(output_of("test/oci:2", "cat /what") == "archive");
  BOOST_TEST(output_of("test/named:latest", "cat /what") == "archive");
  w.start();  // they are still known
  BOOST_TEST(!!ensure("test/oci:2", ports::pull_policy::never));
  for (auto* name : {"test/archive:1", "test/oci:2", "test/named"}) BOOST_TEST(!!forget(name));
}

BOOST_AUTO_TEST_CASE(an_image_in_use_is_not_removed) {
  auto& w = the_world();
  auto archive = w.directory + "/used.tar";
  make_archive(archive, "test/used:1", {{{"bin/sh", "", "busybox"}, {"used", "x", ""}}}, R"({"Cmd":["sh"]})");
  auto before = layers();
  BOOST_REQUIRE(import(archive));
  BOOST_REQUIRE(w.make_pod("used"));
  auto spec = w.container("used", "main", {"sh", "-c", "exit 0"});
  spec.image = "test/used:1";
  auto s = w.run(spec);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto refused = forget("test/used:1");
  BOOST_REQUIRE(!refused);
  BOOST_TEST((code_of(refused.error()) == errc::conflict));
  BOOST_TEST(!!w.remove_pod("used"));
  BOOST_TEST(!!forget("test/used:1"));
  BOOST_TEST(!!forget("test/used:1"));
  BOOST_TEST(layers() == before);
}

BOOST_AUTO_TEST_CASE(broken_images_are_refused_and_leave_nothing) {
  auto& w = the_world();
  auto before = layers();
  auto archive = w.directory + "/good.tar", broken = w.directory + "/broken.tar", place = w.directory + "/unpacked";
  make_archive(archive, "test/broken:1", {{{"bin/sh", "", "busybox"}, {"big", std::string(100'000, 'x'), ""}}},
               R"({"Cmd":["sh"]})");
  expect(import(w.directory + "/none.tar"), errc::not_found, "none.tar");
  (void)driver::write_atomic(broken, "this is no archive");
  expect(import(broken), errc::corrupt, "broken.tar");
  shell("mkdir -p " + place + " && tar -C " + place + " -xf " + archive + " && tar -cf " + broken + " -C " + place +
        " config.json");
  expect(import(broken), errc::corrupt, "neither");
  // Cut off in the middle.
  shell("head -c 700000 " + archive + " > " + broken);
  expect(import(broken, "test/broken:1"), errc::corrupt);
  // A layer that is not the one that the configuration names.
  shell("cd " + place + " && echo tampered > t && tar -rf layer0.tar t && tar -cf " + broken +
        " manifest.json config.json layer0.tar");
  expect(import(broken), errc::corrupt, "igest did not match");
  // The same in an OCI archive: the blob does not have its digest.
  shell("skopeo --insecure-policy copy -q docker-archive:" + archive + " oci:" + place + "/layout:test/broken:1; cd " +
        place +
        "/layout && big=$(ls -S blobs/sha256 | head -1) && printf x | dd of=blobs/sha256/$big bs=1 seek=5000 "
        "conv=notrunc 2>/dev/null && tar -cf " +
        broken + " .");
  expect(import(broken), errc::corrupt);
  // All digests hold, but the configuration names another content: only who unpacks it can see that.
  shell("cd " + place + " && rm -rf layout && skopeo --insecure-policy copy -q docker-archive:" + archive +
        " oci:layout:test/broken:1 && cd layout" + R"(
    blob() { grep -o "$1"'[^}]*' $2 | grep -o '[0-9a-f]\{64\}' | head -1; }
    manifest=$(blob manifests index.json)
    config=$(blob '"config":' blobs/sha256/$manifest)
    diff=$(blob diff_ids blobs/sha256/$config)
    sed -i "s/$diff/$(printf %064d 7)/" blobs/sha256/$config
    new=$(sha256sum blobs/sha256/$config | cut -c1-64) && mv blobs/sha256/$config blobs/sha256/$new
    sed -i "s/$config/$new/" blobs/sha256/$manifest
    new=$(sha256sum blobs/sha256/$manifest | cut -c1-64) && mv blobs/sha256/$manifest blobs/sha256/$new
    sed -i "s/$manifest/$new/" index.json
    tar -cf )" +
        broken + " .");
  expect(import(broken), errc::corrupt, "does not unpack");
  BOOST_TEST(layers() == before);
  expect(ensure("test/broken:1", ports::pull_policy::never), errc::not_found);
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said_and_leaves_room_again) {
  auto& w = the_world();
  auto archive = w.directory + "/large.tar", small = w.directory + "/small";
  make_archive(archive, "test/large:1", {{{"bin/sh", "", "busybox"}, {"big", std::string(6'000'000, 'x'), ""}}},
               R"({"Cmd":["sh"]})");
  BOOST_REQUIRE(shell("mkdir -p " + small + " && mount -t tmpfs -o size=12m skerry-test " + small) == 0);
  {
    auto o = w.options;
    o.data_dir = small + "/data";
    o.run_dir = small + "/run";
    auto r = driver::make_runtime(o, w.clock, w.log);
    BOOST_REQUIRE_MESSAGE(r, why(r));
    auto refused = world::call<ports::image_info>([&](auto f) { (*r)->import_image(archive, "", f); });
    expect(refused, errc::full);
    BOOST_TEST(shell_output("ls " + o.data_dir + "/tmp " + o.data_dir + "/images; ls " + o.data_dir +
                            "/layers | grep -v empty") == o.data_dir + "/images:\n\n" + o.data_dir + "/tmp:");
    // What fits is still taken.
    auto fits =
        world::call<ports::image_info>([&](auto f) { (*r)->import_image(w.directory + "/busybox.tar", "", f); });
    BOOST_TEST(!!fits, why(fits));
  }
  shell("umount " + small);
}

BOOST_AUTO_TEST_SUITE_END()
