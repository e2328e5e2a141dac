#include <boost/test/unit_test.hpp>

#include "schema/kube/patch.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(json_patch_suite)

BOOST_AUTO_TEST_CASE(operations) {
  struct row {
    const char *target, *patch, *result;
  };
  // Mostly RFC 6902, appendix A.
  for (auto [target, patch, result] : std::initializer_list<row>{
           {"{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux'}]", "{'foo':'bar','baz':'qux'}"},
           {"{'foo':['bar','baz']}", "[{'op':'add','path':'/foo/1','value':'qux'}]", "{'foo':['bar','qux','baz']}"},
           {"{'baz':'qux','foo':'bar'}", "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}"},
           {"{'foo':['bar','qux','baz']}", "[{'op':'remove','path':'/foo/1'}]", "{'foo':['bar','baz']}"},
           {"{'baz':'qux','foo':'bar'}", "[{'op':'replace','path':'/baz','value':'boo'}]", "{'baz':'boo','foo':'bar'}"},
           {"{'foo':{'bar':'baz','waldo':'fred'},'qux':{'corge':'grault'}}",
            "[{'op':'move','from':'/foo/waldo','path':'/qux/thud'}]",
            "{'foo':{'bar':'baz'},'qux':{'corge':'grault','thud':'fred'}}"},
           {"{'foo':['all','grass','cows','eat']}", "[{'op':'move','from':'/foo/1','path':'/foo/3'}]",
            "{'foo':['all','cows','eat','grass']}"},
           {"{'baz':'qux','foo':['a',2,'c']}",
            "[{'op':'test','path':'/baz','value':'qux'},{'op':'test','path':'/foo/1','value':2}]",
            "{'baz':'qux','foo':['a',2,'c']}"},
           {"{'foo':'bar'}", "[{'op':'add','path':'/child','value':{'grandchild':{}}}]",
            "{'foo':'bar','child':{'grandchild':{}}}"},
           {"{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux','xyz':123}]", "{'foo':'bar','baz':'qux'}"},
           {"{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':10},{'op':'replace','path':'/~1','value':8}]",
            "{'/':8,'~1':10}"},
           {"{'foo':['bar']}", "[{'op':'add','path':'/foo/-','value':['abc','def']}]", "{'foo':['bar',['abc','def']]}"},
           {"{'a':{'b':1}}", "[{'op':'copy','from':'/a','path':'/c'},{'op':'replace','path':'/c/b','value':2}]",
            "{'a':{'b':1},'c':{'b':2}}"},
           {"{'a':1}", "[{'op':'replace','path':'','value':{'b':2}}]", "{'b':2}"},
           {"{'a':1}", "[{'op':'add','path':'/a','value':2}]", "{'a':2}"},
           {"{'a':1}", "[{'op':'test','path':'/b','value':null}]", "{'a':1}"},
           {"{'a':1}", "[{'op':'move','from':'/a','path':'/a'}]", "{'a':1}"},
           {"{'metadata':{'annotations':{'x.io/y':'1'}}}", "[{'op':'remove','path':'/metadata/annotations/x.io~1y'}]",
            "{'metadata':{'annotations':{}}}"},
           {"{'a':1}", "[]", "{'a':1}"}}) {
    BOOST_TEST_CONTEXT(patch) {
      auto r = json_patch(js(target), js(patch));
      BOOST_REQUIRE(r);
      BOOST_TEST(str(*r) == str(js(result)));
    }
  }
}

BOOST_AUTO_TEST_CASE(errors_name_the_operation) {
  struct row {
    const char *patch, *message;
  };
  for (auto [patch, message] : std::initializer_list<row>{
           {"{}", "a JSON patch is an array of operations (RFC 6902)"},
           {"[1]", "JSON patch operation 0: is no object"},
           {"[{'path':'/a'}]", "JSON patch operation 0 ( /a): has no op"},
           {"[{'op':'add','value':1}]", "JSON patch operation 0 (add ): has no path"},
           {"[{'op':'add','path':'a','value':1}]", "JSON patch operation 0 (add a): path is no JSON pointer"},
           {"[{'op':'add','path':'/a~2','value':1}]", "JSON patch operation 0 (add /a~2): path is no JSON pointer"},
           {"[{'op':'add','path':'/x','value':1},{'op':'remove','path':'/nope'}]",
            "JSON patch operation 1 (remove /nope): path does not exist"},
           {"[{'op':'replace','path':'/nope','value':1}]",
            "JSON patch operation 0 (replace /nope): path does not exist"},
           {"[{'op':'add','path':'/nope/x','value':1}]",
            "JSON patch operation 0 (add /nope/x): parent of path does not exist"},
           {"[{'op':'add','path':'/n/x','value':1}]",
            "JSON patch operation 0 (add /n/x): parent of path is neither object nor array"},
           {"[{'op':'add','path':'/l/3','value':1}]", "JSON patch operation 0 (add /l/3): index is out of range"},
           {"[{'op':'add','path':'/l/01','value':1}]", "JSON patch operation 0 (add /l/01): index is out of range"},
           {"[{'op':'remove','path':'/l/-'}]", "JSON patch operation 0 (remove /l/-): path does not exist"},
           {"[{'op':'add','path':'/a'}]", "JSON patch operation 0 (add /a): has no value"},
           {"[{'op':'jump','path':'/a','value':1}]", "JSON patch operation 0 (jump /a): op is not known"},
           {"[{'op':'test','path':'/n','value':2}]",
            "JSON patch operation 0 (test /n): test failed: the value is another"},
           {"[{'op':'move','path':'/o/x','from':'/o'}]",
            "JSON patch operation 0 (move /o/x): moves a value into itself"},
           {"[{'op':'move','path':'/o/x'}]", "JSON patch operation 0 (move /o/x): has no from"},
           {"[{'op':'copy','path':'/o/x','from':'/nope'}]",
            "JSON patch operation 0 (copy /o/x): from does not exist"}}) {
    BOOST_TEST_CONTEXT(patch) {
      auto r = json_patch(js("{'n':1,'l':[1,2],'o':{}}"), js(patch));
      BOOST_REQUIRE(!r);
      BOOST_TEST((code_of(r.error()) == errc::invalid));
      BOOST_TEST(message_of(r.error()) == message);
    }
  }
}

BOOST_AUTO_TEST_CASE(copies_cannot_grow_without_bound) {
  json::array ops;
  for (int i = 0; i < 64; ++i) ops.push_back(js("{'op':'copy','from':'/a','path':'/a/-'}"));
  auto r = json_patch(js("{'a':['x']}"), ops);
  BOOST_REQUIRE(!r);
  BOOST_TEST(message_of(r.error()).find("copies more than") != std::string::npos);
  ops.resize(10'001, js("{'op':'test','path':'/a','value':1}"));
  BOOST_TEST((code_of(json_patch(js("{'a':1}"), ops).error()) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(moves_cannot_nest_without_bound) {
  json::array ops;
  for (int i = 0; i < 100; ++i) {
    ops.push_back(js("{'op':'add','path':'/b','value':{}}"));
    ops.push_back(js("{'op':'move','from':'/a','path':'/b/c'}"));
    ops.push_back(js("{'op':'move','from':'/b','path':'/a'}"));
  }
  auto r = json_patch(js("{'a':{}}"), ops);
  BOOST_REQUIRE(!r);
  BOOST_TEST(message_of(r.error()).find("nests deeper than 64 levels") != std::string::npos, message_of(r.error()));
}

BOOST_AUTO_TEST_CASE(merge_patches) {
  struct row {
    const char *target, *patch, *result;
  };
  // RFC 7386, appendix A.
  for (auto [target, patch, result] :
       std::initializer_list<row>{{"{'a':'b'}", "{'a':'c'}", "{'a':'c'}"},
                                  {"{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}"},
                                  {"{'a':'b'}", "{'a':null}", "{}"},
                                  {"{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}"},
                                  {"{'a':['b']}", "{'a':'c'}", "{'a':'c'}"},
                                  {"{'a':'c'}", "{'a':['b']}", "{'a':['b']}"},
                                  {"{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}"},
                                  {"{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}"},
                                  {"['a','b']", "['c','d']", "['c','d']"},
                                  {"{'a':'b'}", "['c']", "['c']"},
                                  {"{'a':'foo'}", "null", "null"},
                                  {"{'e':null}", "{'a':1}", "{'e':null,'a':1}"},
                                  {"[1,2]", "{'a':'b','c':null}", "{'a':'b'}"},
                                  {"{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}"}})
    BOOST_TEST(str(merge_patch(js(target), js(patch))) == str(js(result)), patch);
}

BOOST_AUTO_TEST_SUITE_END()
