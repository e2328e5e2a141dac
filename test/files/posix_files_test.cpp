#include "drivers/files/posix_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "schema/error.hpp"

using namespace skerry;
namespace fs = std::filesystem;

namespace {

struct room {
  room() {
    std::string pattern = (fs::temp_directory_path() / "skerry-files-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~room() { files.remove_tree(path); }
  std::string at(const std::string& name) const { return path + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream in{at(name), std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  uint32_t mode(const std::string& name) const {
    struct stat s {};
    BOOST_REQUIRE(::stat(at(name).c_str(), &s) == 0);
    return s.st_mode & 07777;
  }
  files::posix_files files;
  std::string path;
};

template <class T>
bool good(const caf::expected<T>& x) {
  return static_cast<bool>(x);
}

template <class T>
std::string why(const caf::expected<T>& x) {
  return x ? std::string{} : message_of(x.error());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posix_files)

BOOST_AUTO_TEST_CASE(publish_is_atomic_and_exact) {
  room r;
  auto dir = r.at("v");
  auto first = r.files.publish(dir, {{"a", {"1", 0644, {}}}, {"sub/b", {"2", 0400, {}}}});
  BOOST_REQUIRE_MESSAGE(good(first), why(first));
  BOOST_TEST(*first);
  BOOST_TEST(r.read("v/a") == "1");
  BOOST_TEST(r.read("v/sub/b") == "2");
  BOOST_TEST(r.mode("v/sub/b") == 0400u);
  BOOST_TEST(fs::read_symlink(r.at("v/a")) == "..data/a");
  auto generation = fs::read_symlink(r.at("v/..data"));

  auto same = r.files.publish(dir, {{"a", {"1", 0644, {}}}, {"sub/b", {"2", 0400, {}}}});
  BOOST_REQUIRE(good(same));
  BOOST_TEST(!*same);
  BOOST_TEST(fs::read_symlink(r.at("v/..data")) == generation);

  std::ifstream held{r.at("v/a")};  // a reader that has it open keeps what it opened
  auto second = r.files.publish(dir, {{"a", {"new", 0644, {}}}, {"c", {"3", 0644, {}}}});
  BOOST_REQUIRE_MESSAGE(good(second), why(second));
  BOOST_TEST(*second);
  BOOST_TEST(std::string(std::istreambuf_iterator<char>{held}, {}) == "1");
  BOOST_TEST(r.read("v/a") == "new");
  BOOST_TEST(r.read("v/c") == "3");
  BOOST_TEST(!fs::exists(r.at("v/sub")));
  BOOST_TEST(!fs::exists(r.at("v") / generation));
  auto names = r.files.list(dir);
  BOOST_TEST(names.size() == 4u);  // a, c, ..data and its target

  auto mode = r.files.publish(dir, {{"a", {"new", 0600, {}}}, {"c", {"3", 0644, {}}}});
  BOOST_REQUIRE(good(mode));
  BOOST_TEST(*mode);
  BOOST_TEST(r.mode("v/a") == 0600u);
  auto none = r.files.publish(dir, {});
  BOOST_REQUIRE(good(none));
  BOOST_TEST(!fs::exists(r.at("v/a")));
}

BOOST_AUTO_TEST_CASE(a_half_made_publish_is_no_harm) {
  room r;
  auto dir = r.at("v");
  BOOST_REQUIRE(good(r.files.publish(dir, {{"a", {"1", 0644, {}}}})));
  fs::create_symlink("nowhere", r.at("v/..data_tmp"));  // as a crash between the two steps leaves it
  auto again = r.files.publish(dir, {{"a", {"2", 0644, {}}}});
  BOOST_REQUIRE_MESSAGE(good(again), why(again));
  BOOST_TEST(r.read("v/a") == "2");
}

BOOST_AUTO_TEST_CASE(directories_have_the_mode_asked) {
  room r;
  auto ok = r.files.make_directory(r.at("x/y"), 0777, false, 0, {});
  BOOST_REQUIRE_MESSAGE(good(ok), why(ok));
  BOOST_TEST(r.mode("x/y") == 0777u);
  BOOST_TEST(good(r.files.make_directory(r.at("x/y"), 0777, false, 0, {})));
  std::ofstream{r.at("file")} << "x";
  auto bad = r.files.make_directory(r.at("file/y"), 0755, false, 0, {});
  BOOST_REQUIRE(!bad);
  BOOST_TEST(message_of(bad.error()).find(r.at("file/y")) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(memory_directories_and_their_removal) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("needs root: tmpfs mounts are not tried");
    return;
  }
  room r;
  auto dir = r.at("pods/u/volumes/m");
  auto ok = r.files.make_directory(dir, 0777, true, 1 << 20, {});
  BOOST_REQUIRE_MESSAGE(good(ok), why(ok));
  struct stat mine {
  }, above{};
  BOOST_REQUIRE(::stat(dir.c_str(), &mine) == 0 && ::stat((dir + "/..").c_str(), &above) == 0);
  BOOST_TEST(mine.st_dev != above.st_dev);
  std::ofstream{dir + "/kept"} << "x";
  BOOST_TEST(good(r.files.make_directory(dir, 0777, true, 1 << 20, {})));
  BOOST_TEST(fs::exists(dir + "/kept"));  // not mounted over
  std::ofstream big{dir + "/big"};
  big << std::string(2 << 20, 'x') << std::flush;
  BOOST_TEST(!big.good());  // it has its size
  big.close();
  auto removed = r.files.remove_tree(r.at("pods/u"));
  BOOST_REQUIRE_MESSAGE(good(removed), why(removed));
  BOOST_TEST(!fs::exists(r.at("pods/u")));
  BOOST_TEST(good(r.files.remove_tree(r.at("pods/u"))));
}

BOOST_AUTO_TEST_CASE(groups_own_what_they_shall) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("needs root: groups are not tried");
    return;
  }
  room r;
  struct stat s {};
  BOOST_TEST(good(r.files.make_directory(r.at("d"), 02777, false, 0, 4711)));
  BOOST_TEST(r.mode("d") == 02777u);
  BOOST_REQUIRE(::stat(r.at("d").c_str(), &s) == 0);
  BOOST_TEST(s.st_gid == 4711u);
  BOOST_REQUIRE(good(r.files.publish(r.at("v"), {{"a", {"1", 0440, {}}}})));
  auto changed = r.files.publish(r.at("v"), {{"a", {"1", 0440, 4711}}});
  BOOST_REQUIRE(good(changed));
  BOOST_TEST(*changed);
  BOOST_REQUIRE(::stat(r.at("v/a").c_str(), &s) == 0);
  BOOST_TEST(s.st_gid == 4711u);
}

BOOST_AUTO_TEST_CASE(removal_follows_no_links) {
  room r;
  fs::create_directories(r.at("outside"));
  std::ofstream{r.at("outside/f")} << "x";
  fs::create_directories(r.at("tree"));
  fs::create_directory_symlink(r.at("outside"), r.at("tree/link"));
  BOOST_TEST(good(r.files.remove_tree(r.at("tree"))));
  BOOST_TEST(fs::exists(r.at("outside/f")));
}

BOOST_AUTO_TEST_CASE(host_path_types) {
  room r;
  std::ofstream{r.at("f")} << "x";
  fs::create_directories(r.at("d"));
  struct row {
    const char* name;
    const char* type;
    bool ok;
  };
  for (auto& x : {row{"nothing", "", true}, row{"d", "Directory", true}, row{"f", "Directory", false},
                  row{"none", "Directory", false}, row{"new/d", "DirectoryOrCreate", true}, row{"f", "File", true},
                  row{"d", "File", false}, row{"newfile", "FileOrCreate", true}, row{"f", "Socket", false},
                  row{"f", "BlockDevice", false}, row{"f", "Nonsense", false}}) {
    auto got = r.files.host_path(r.at(x.name), x.type);
    BOOST_TEST(good(got) == x.ok, x.name << " " << x.type << ": " << why(got));
  }
  BOOST_TEST(fs::is_directory(r.at("new/d")));
  BOOST_TEST(fs::is_regular_file(r.at("newfile")));
  BOOST_TEST(good(r.files.host_path("/dev/null", "CharDevice")));
}

BOOST_AUTO_TEST_SUITE_END()
