#include "schema/kube/selector.hpp"

#include <boost/test/unit_test.hpp>

#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(selector_suite)

BOOST_AUTO_TEST_CASE(label_selectors_match) {
  auto labels = js("{'app':'web','tier':'front','n':'5','empty':''}").as_object();
  struct row {
    const char* text;
    bool matches;
  };
  for (auto [text, matches] : std::initializer_list<row>{{"", true},
                                                         {"app=web", true},
                                                         {"app==web", true},
                                                         {"app = web", true},
                                                         {"app=db", false},
                                                         {"app!=db", true},
                                                         {"app!=web", false},
                                                         {"other!=x", true},
                                                         {"app", true},
                                                         {"!app", false},
                                                         {"!other", true},
                                                         {"other", false},
                                                         {"app in (web,db)", true},
                                                         {"app in(db)", false},
                                                         {"app notin (db)", true},
                                                         {"other notin (db)", true},
                                                         {"app notin (web, db)", false},
                                                         {"app=web,tier=front", true},
                                                         {"app=web,tier=back", false},
                                                         {"app=web,tier in (front,back),!x", true},
                                                         {"n>4", true},
                                                         {"n>5", false},
                                                         {"n<6", true},
                                                         {"app>4", false},
                                                         {"empty=", true},
                                                         {"empty", true},
                                                         {"app=", false},
                                                         {"x.io/y notin (a)", true}}) {
    BOOST_TEST_CONTEXT(text) {
      auto s = label_selector::parse(text);
      BOOST_REQUIRE(s);
      BOOST_TEST(s->matches(labels) == matches);
      auto again = label_selector::parse(s->to_string());
      BOOST_REQUIRE(again);
      BOOST_TEST(again->matches(labels) == matches);
    }
  }
}

BOOST_AUTO_TEST_CASE(broken_label_selectors) {
  for (auto text : {"=a", "a=b=c", "a in b", "a in (", "a in (b", "a in (b c)", ",a", "a,", "a=b,", "a ~ b", "!", "a=$",
                    "a b", "n>x", "-a=b", "a/b/c=d", "a=b c"}) {
    auto s = label_selector::parse(text);
    BOOST_TEST(!s, text);
    if (!s) BOOST_TEST((code_of(s.error()) == errc::invalid));
  }
}

BOOST_AUTO_TEST_CASE(selectors_from_objects) {
  auto labels = js("{'app':'web'}").as_object();
  auto matches = [&](const char* text) {
    auto s = label_selector::from_object(js(text));
    BOOST_REQUIRE(s);
    return s->matches(labels);
  };
  BOOST_TEST(matches("{}"));
  BOOST_TEST(!matches("null"));
  BOOST_TEST(matches("{'matchLabels':{'app':'web'}}"));
  BOOST_TEST(!matches("{'matchLabels':{'app':'web','x':'y'}}"));
  BOOST_TEST(
      matches("{'matchExpressions':[{'key':'app','operator':'In','values':['web','db']},{'key':'x','operator':'"
              "DoesNotExist'}]}"));
  BOOST_TEST(!matches("{'matchExpressions':[{'key':'app','operator':'NotIn','values':['web']}]}"));
  BOOST_TEST(!label_selector::from_object(js("{'matchExpressions':[{'key':'app','operator':'In'}]}")));
  BOOST_TEST(
      !label_selector::from_object(js("{'matchExpressions':[{'key':'app','operator':'Exists','values':['a']}]}")));
  BOOST_TEST(!label_selector::from_object(js("{'matchExpressions':[{'key':'app','operator':'Like','values':['a']}]}")));
  BOOST_TEST(
      label_selector::from_object(
          js("{'matchLabels':{'b':'2','a':'1'},'matchExpressions':[{'key':'c','operator':'In','values':['y','x']}]}"))
          ->to_string() == "a=1,b=2,c in (x,y)");
  BOOST_TEST(label_selector::from_map(js("{}").as_object()).matches_all());
  BOOST_TEST(!label_selector::from_object(js("null"))->matches_all());
}

BOOST_AUTO_TEST_CASE(field_selectors) {
  auto pod = js("{'metadata':{'name':'a','namespace':'n'},'spec':{'nodeName':'n1'},'status':{'phase':'Running'}}");
  const auto& allowed = info("pods").field_selectors;
  struct row {
    const char* text;
    bool matches;
  };
  for (auto [text, matches] : std::initializer_list<row>{{"", true},
                                                         {"metadata.name=a", true},
                                                         {"metadata.name==a", true},
                                                         {"metadata.name!=a", false},
                                                         {"status.phase=Running,spec.nodeName=n1", true},
                                                         {"status.phase!=Running,spec.nodeName=n1", false},
                                                         {"spec.nodeName=", false},
                                                         {"status.podIP=", true},
                                                         {"spec.hostNetwork=false", true},
                                                         {"metadata.name=a\\,b", false}}) {
    BOOST_TEST_CONTEXT(text) {
      auto s = field_selector::parse(text, allowed);
      BOOST_REQUIRE(s);
      BOOST_TEST(s->matches(pod) == matches);
    }
  }
  BOOST_TEST(message_of(field_selector::parse("spec.foo=1", allowed).error()) == "field label not supported: spec.foo");
  BOOST_TEST(!field_selector::parse("metadata.name", allowed));
  BOOST_TEST(!field_selector::parse("metadata.name!a", allowed));
  BOOST_TEST(field_selector::parse("metadata.name=x", allowed)->exact("metadata.name") == "x");
  BOOST_TEST(field_selector::parse("metadata.name!=x", allowed)->exact("metadata.name").empty());
  auto event = js("{'source':{'component':'kubelet'},'involvedObject':{'name':'p','uid':'u'}}");
  BOOST_TEST(
      field_selector::parse("source=kubelet,involvedObject.name=p,involvedObject.uid=u", info("events").field_selectors)
          ->matches(event));
}

BOOST_AUTO_TEST_SUITE_END()
