#pragma once
#include <string>

namespace skerry::test {

inline const std::string maps = "/api/v1/namespaces/default/configmaps";
inline const std::string pods = "/api/v1/namespaces/default/pods";
inline const std::string deployments = "/apis/apps/v1/namespaces/default/deployments";

inline std::string config_map(const std::string& name, const std::string& rest = R"("data":{"a":"1"})",
                              const std::string& metadata = "") {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name + "\"" + metadata + "}," + rest + "}";
}
inline std::string pod(const std::string& name, const std::string& spec = "", const std::string& metadata = "") {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name + "\"" + metadata +
         R"(},"spec":{"containers":[{"name":"c","image":"busybox"}])" + spec + "}}";
}
inline std::string deployment(const std::string& name, const std::string& spec = "") {
  return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":")" + name +
         R"("},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},)"
         R"("spec":{"containers":[{"name":"c","image":"busybox"}]}})" +
         spec + "}}";
}

}  // namespace skerry::test
