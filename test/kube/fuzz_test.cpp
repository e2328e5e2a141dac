#include <boost/test/unit_test.hpp>
#include <random>

#include "schema/kube/decode.hpp"
#include "schema/kube/defaults.hpp"
#include "schema/kube/equal.hpp"
#include "schema/kube/patch.hpp"
#include "schema/kube/stamp.hpp"
#include "schema/kube/table.hpp"
#include "schema/kube/validate.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {

/// Makes values from the type tables, mostly of the right types, and now and then of wrong ones.
class generator {
public:
  explicit generator(uint32_t seed, uint32_t wrong_in) : random_(seed), wrong_in_(wrong_in) {}

  json::value object(const type_info& t, int depth) {
    json::object o;
    if (depth > 9) return o;
    for (const auto& f : t.fields)
      if (f.required ? !one_in(20) : one_in(t.fields.size() > 20 ? 5 : 3)) o[f.name] = field(f, depth);
    if (one_in(wrong_in_)) o["surplus"] = scalar();
    return o;
  }
  bool one_in(uint32_t n) { return n != 0 && random_() % n == 0; }

private:
  json::value field(const field_info& f, int depth) {
    if (one_in(wrong_in_)) return scalar();
    if (f.form == shape::one) return single(f, depth);
    if (f.form == shape::list) return list(f, depth);
    json::object o;
    for (uint32_t i = random_() % 3; i > 0; --i) o[word()] = f.form == shape::map ? single(f, depth) : list(f, depth);
    return o;
  }
  json::value list(const field_info& f, int depth) {
    json::array a;
    for (uint32_t i = random_() % 3; i > 0; --i) a.push_back(single(f, depth));
    return a;
  }
  json::value single(const field_info& f, int depth) {
    switch (f.what) {
      case wire::object:
        return object(*f.type, depth + 1);
      case wire::boolean:
        return one_in(2);
      case wire::int32:
      case wire::int64:
        return static_cast<int64_t>(random_() % 70000) - 2;
      case wire::real:
        return 1.5;
      case wire::quantity:
        return pick({"1", "100m", "1Gi", "0.5", "-2", "1e3"});
      case wire::time:
        return pick({"2026-11-23T10:00:00Z", "2026-11-23T10:00:00+01:00"});
      case wire::microtime:
        return "2026-11-23T10:00:00.123456Z";
      case wire::bytes:
        return "aGk=";
      case wire::int_or_string:
        return one_in(2) ? json::value(5) : pick({"25%", "http", "x%"});
      case wire::any_object:
        return json::object{{"a", 1}};
      default:
        return word();
    }
  }
  json::value scalar() {
    switch (random_() % 6) {
      case 0:
        return nullptr;
      case 1:
        return true;
      case 2:
        return -1;
      case 3:
        return json::array{1, "a", nullptr};
      case 4:
        return json::object{{"a", nullptr}};
      default:
        return word();
    }
  }
  json::value pick(std::initializer_list<const char*> of) {
    return json::string{*(of.begin() + random_() % of.size())};
  }
  json::string word() {
    return json::string{std::array{"a", "web", "", "Always", "x.io/y", "A B", "../..", "ClusterIP", "Exists",
                                   "RollingUpdate", "TCP", "None"}[random_() % 12]};
  }
  std::mt19937 random_;
  uint32_t wrong_in_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(fuzz_suite)

/// Nothing that decodes makes a later step throw or loop, and what was decoded and defaulted stays so.
BOOST_AUTO_TEST_CASE(all_steps_take_what_decodes) {
  size_t decoded = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    for (const auto& info : tables().resources()) {
      BOOST_TEST_CONTEXT(info.id << " seed " << seed) {
        generator g{seed, seed % 4 == 0 ? 200U : 0U};
        auto v = g.object(*info.type, 0);
        v.as_object().erase("apiVersion");
        v.as_object().erase("kind");
        if (!decode(info, v).ok()) continue;
        ++decoded;
        auto again = v;
        BOOST_TEST(decode(info, again).ok());
        BOOST_TEST(equal(again, v));
        stamp_new(info, v, info.namespaced ? "default" : "", 0, "uid", "abcde");
        apply_defaults(info, v);
        BOOST_TEST(decode(info, v).error == "");
        auto twice = v;
        apply_defaults(info, twice);
        BOOST_TEST(equal(twice, v));
        BOOST_TEST(validate_create(info, v).size() <= 64u);
        auto other = g.object(*info.type, 0);
        if (decode(*info.type, other).ok()) {
          prepare_update(info, v, other);
          apply_defaults(info, other);
          validate_update(info, v, other);
          prepare_update(info, v, other, "status");
          BOOST_TEST(equal(*find(other, "metadata.uid"), *find(v, "metadata.uid")));
        }
        BOOST_TEST(table_cells(info, v, 0).size() == info.columns.size());
        auto patched = strategic_patch(*info.type, v, g.object(*info.type, 0));
        if (patched) BOOST_TEST(patched->is_object());
        // A strategic patch with the object itself changes nothing but what merges as a set.
        BOOST_TEST(equal(merge_patch(v, v), v));
      }
    }
  }
  BOOST_TEST(decoded > 500u);
}

BOOST_AUTO_TEST_SUITE_END()
