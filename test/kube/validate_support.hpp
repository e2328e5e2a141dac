#pragma once
#include <boost/test/unit_test.hpp>

#include "schema/kube/decode.hpp"
#include "schema/kube/defaults.hpp"
#include "schema/kube/patch.hpp"
#include "schema/kube/stamp.hpp"
#include "schema/kube/validate.hpp"
#include "test/kube/support.hpp"

namespace skerry::kube::test {

inline const char* const pod =
    "{'metadata':{'name':'web'},'spec':{'volumes':[{'name':'data','emptyDir':{}},{'name':'conf','configMap':{'name':'c'"
    "}}],'initContainers':"
    "[{'name':'init','image':'busybox:1'}],'containers':[{'name':'a','image':'a:1','ports':[{'name':'http','"
    "containerPort':80}],'env':[{'name':'X',"
    "'value':'1'},{'name':'Y','valueFrom':{'configMapKeyRef':{'name':'c','key':'k'}}},{'name':'Z','valueFrom':{'"
    "fieldRef':{'fieldPath':"
    "'metadata.name'}}}],'envFrom':[{'configMapRef':{'name':'c'}}],'volumeMounts':[{'name':'data','mountPath':'/"
    "data'}],'readinessProbe':{'httpGet':"
    "{'port':'http'}},'livenessProbe':{'exec':{'command':['true']}},'resources':{'limits':{'cpu':'1'},'requests':{'cpu'"
    ":'100m'}}},{'name':'b',"
    "'image':'b:1'}],'tolerations':[{'key':'a','operator':'Exists','effect':'NoExecute','tolerationSeconds':5}]}}";
inline const char* const deployment =
    "{'metadata':{'name':'web'},'spec':{'selector':{'matchLabels':{'app':'web'}},'template':{'metadata':{'labels':{'"
    "app':'web'}},'spec':{'containers':"
    "[{'name':'a','image':'a:1'}]}}}}";
inline const char* const service =
    "{'metadata':{'name':'web'},'spec':{'selector':{'app':'web'},'ports':[{'port':80}]}}";

inline json::value ready(const char* id, json::value v) {
  const auto& i = info(id);
  auto r = decode(i, v);
  BOOST_TEST(r.error == "");
  stamp_new(i, v, i.namespaced ? "default" : "", 0, "uid", "abcde");
  apply_defaults(i, v);
  return v;
}

/// The object with a JSON merge patch over it.
inline json::value with(const char* base, const char* patch) { return merge_patch(js(base), js(patch)); }
/// The object with a JSON patch over it.
inline json::value changed(const char* base, const char* ops) {
  auto r = json_patch(js(base), js(ops));
  if (!r) throw std::runtime_error(message_of(r.error()));
  return *r;
}

inline std::string shown(const field_errors& errors) {
  std::string out;
  for (const auto& e : errors)
    out += (out.empty() ? "" : "\n") + e.field + " | " + std::string{e.reason} + " | " + e.message;
  return out;
}
inline std::string created(const char* id, json::value v) {
  return shown(validate_create(info(id), ready(id, std::move(v))));
}
inline std::string updated(const char* id, json::value before, json::value after) {
  return shown(validate_update(info(id), ready(id, std::move(before)), ready(id, std::move(after))));
}

struct row {
  const char *ops, *error;
};
/// Each operation on `base` must give an error that contains this text, and it alone.
inline void each(const char* id, const char* base, std::initializer_list<row> rows) {
  BOOST_TEST(created(id, js(base)) == "");
  for (auto [ops, error] : rows) {
    BOOST_TEST_CONTEXT(ops) {
      auto got = created(id, changed(base, ops));
      BOOST_TEST(got.find(error) != std::string::npos, got << "\n  lacks: " << error);
      BOOST_TEST((*error == '\0' ? got.empty() : got.find('\n') == std::string::npos), got);
    }
  }
}

}  // namespace skerry::kube::test
