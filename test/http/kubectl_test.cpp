// The real kubectl against the real front, store and TLS server: 1.32 (or what is on the PATH), and Debian's old one.
// Neither is left out where it is missing: that is a failure.
#include <cstdlib>

#include "test/http/http_world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

struct said {
  int code = -1;
  std::string text;
};

class kubectl_world {
public:
  kubectl_world()
      : directory_(std::filesystem::temp_directory_path() / ("skerry-kubectl-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(directory_);
    put("ca.pem", pki.ca.certificate_pem);
    put("admin.pem", pki.admin.certificate_pem);
    put("admin.key", pki.admin.key_pem);
    http::server_options o;
    o.listen = "127.0.0.1:0";
    o.certificate_pem = pki.server.certificate_pem;
    o.key_pem = pki.server.key_pem;
    o.ca_pem = pki.ca.certificate_pem;
    server = std::make_unique<http::server>(loop, std::move(o), api.front, links, api.log);
    auto ok = server->start();
    BOOST_REQUIRE_MESSAGE(ok, message_of(ok.error()));
    auto at = [&](const char* f) { return (directory_ / f).string(); };
    put("config",
        "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: \"https://127.0.0.1:" +
            std::to_string(server->port()) + "\", certificate-authority: " + at("ca.pem") +
            "}}]\nusers: [{name: u, user: {client-certificate: " + at("admin.pem") +
            ", client-key: " + at("admin.key") + "}}]\n");
  }
  ~kubectl_world() {
    server->stop();
    std::filesystem::remove_all(directory_);
  }
  void put(const char* name, const std::string& text) { std::ofstream{directory_ / name} << text; }
  /// Runs a shell line in which $K is kubectl.
  said run(const std::string& binary, const std::string& line) {
    auto whole = "cd " + directory_.string() + " && export HOME=" + directory_.string() +
                 " KUBECONFIG=config K=" + binary + " && timeout 60 sh -c '" + line + "' 2>&1";
    said s;
    auto* pipe = ::popen(whole.c_str(), "r");
    char buffer[4096];
    while (auto n = ::fread(buffer, 1, sizeof(buffer), pipe)) s.text.append(buffer, n);
    auto status = ::pclose(pipe);
    s.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return s;
  }

  test_pki pki;
  api_world api;
  kept_links links;
  net::io_loop loop{2};
  std::unique_ptr<http::server> server;

private:
  std::filesystem::path directory_;
};

constexpr const char* manifest = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: busybox, ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}
)";

struct step {
  const char* line;  ///< in which $K is kubectl
  int code;
  const char* words;  ///< in what it says
};

void tell(const std::string& binary) {
  kubectl_world w;
  w.put("all.yaml", manifest);
  w.put("bad.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n");
  const step steps[] = {
      {"$K version", 0, "v1.36.0+skerry"},
      {"$K api-resources", 0, "deployments"},
      {"$K apply -f all.yaml", 0, "deployment.apps/web created"},
      {"$K apply -f all.yaml", 0, "configmap/settings unchanged"},
      {"sed -i \"s/a: .1./a: two/\" all.yaml && $K apply -f all.yaml", 0, "configmap/settings configured"},
      {"$K get configmap settings -o jsonpath={.data.a}", 0, "two"},
      {"$K get deploy web", 0, "0/2"},
      {"$K get deploy -o wide", 0, "busybox"},
      {"$K scale deploy web --replicas 5", 0, "scaled"},
      {"$K get deploy web -o jsonpath={.spec.replicas}", 0, "5"},
      {"$K set image deploy/web c=busybox:2", 0, "image updated"},
      {"$K label cm settings x=y && $K annotate cm settings why=because", 0, "annotated"},
      {"$K get cm -l x=y -o name", 0, "configmap/settings"},
      {"$K get cm --field-selector metadata.name=settings -o name", 0, "configmap/settings"},
      {"$K patch cm settings --type json -p "
       "[{\\\"op\\\":\\\"add\\\",\\\"path\\\":\\\"/data/z\\\",\\\"value\\\":\\\"1\\\"}]",
       0, "patched"},
      {"$K describe deploy web", 0, "5 desired"},
      {"$K create configmap two --from-literal a=b", 0, "configmap/two created"},
      {"$K create secret generic s --from-literal a=b && $K get secret s -o jsonpath={.data.a}", 0, "Yg=="},
      {"$K create namespace team && $K get ns team", 0, "Active"},
      {"$K create deployment other --image=nginx && $K get deploy other -o "
       "jsonpath={.spec.template.spec.containers[0].image}",
       0, "nginx"},
      {"$K create configmap two --from-literal a=b", 1, "already exists"},
      {"$K create -f bad.yaml", 1, "Bad_Name"},
      {"$K run p --image busybox && $K get pods", 0, "Pending"},
      {"$K describe pod p", 0, "Image:"},
      {"$K get pods nobody", 1, "pods \"nobody\" not found"},
      {"$K auth can-i create pods", 0, "yes"},
      {"EDITOR=\"sed -i s/two/three/\" $K edit cm settings", 0, "edited"},
      {"$K get cm settings -o yaml", 0, "a: three"},
      {"timeout 3 $K get cm -w & sleep 1; $K create cm seen --from-literal a=b >/dev/null; wait; true", 0, "seen"},
      {"$K wait --for=delete pod/p --timeout=20s & sleep 0.5; $K delete pod p; wait", 0, "pod \"p\" deleted"},
      {"$K delete -f all.yaml", 0, "configmap \"settings\" deleted"},
      {"$K delete cm --all", 0, "configmap \"two\" deleted"},
      {"$K delete ns team --wait=false && $K get ns team", 0, "Terminating"},
      {"$K create cm dry --from-literal a=b --dry-run=server -o name && $K get cm dry", 1, "not found"},
  };
  for (const auto& s : steps) {
    auto r = w.run(binary, s.line);
    BOOST_TEST_CONTEXT(s.line << "\n" << r.text) {
      BOOST_TEST(r.code == s.code);
      BOOST_TEST((r.text.find(s.words) != std::string::npos));
    }
  }
}

bool there(const char* binary) {
  return std::system((std::string{"command -v "} + binary + " >/dev/null 2>&1").c_str()) == 0;
}

/// Debian's own kubectl (1.20), unpacked beside the build, not installed: SKERRY_OLD_KUBECTL, or downloaded once.
std::string old_kubectl() {
  if (const char* given = std::getenv("SKERRY_OLD_KUBECTL")) return given;
  const std::string folder = SKERRY_BINARY_DIR "/old-kubectl", binary = folder + "/usr/bin/kubectl";
  if (!std::filesystem::exists(binary)) {
    auto get =
        "mkdir -p " + folder + " && cd " + folder +
        " && timeout 100 apt-get download kubernetes-client >/dev/null 2>&1 && dpkg -x kubernetes-client_*.deb .";
    if (std::system(get.c_str()) != 0) return {};
  }
  return binary;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_kubectl)

BOOST_AUTO_TEST_CASE(kubectl_does_its_daily_work) {
  BOOST_REQUIRE_MESSAGE(there("kubectl"), "no kubectl on the PATH: run tools/install, which brings kubernetes-client");
  tell("kubectl");
}

BOOST_AUTO_TEST_CASE(debians_old_kubectl_does_too) {
  auto old = old_kubectl();
  BOOST_REQUIRE_MESSAGE(!old.empty(),
                        "Debian's kubernetes-client could not be downloaded (see apt-get download kubernetes-client); "
                        "SKERRY_OLD_KUBECTL may name one that is there");
  tell(old);
}

BOOST_AUTO_TEST_SUITE_END()
