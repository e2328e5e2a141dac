#include "actors/link/join.hpp"
#include "actors/link/tokens.hpp"

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "drivers/clock/system_clock.hpp"
#include "drivers/http/client.hpp"
#include "drivers/pki/openssl.hpp"
#include "drivers/random/system_random.hpp"
#include "schema/error.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/data_dir.hpp"

namespace skerry::tools {
namespace {

constexpr uint32_t call_ms_max = 10'000;
constexpr const char* secrets = "/api/v1/namespaces/kube-system/secrets";

/// The running cloud of a data directory, spoken to as its administrator.
class admin {
public:
  static caf::expected<admin> open(const std::string& data_dir) {
    admin a;
    auto config = read_file(data_dir + "/admin.kubeconfig");
    if (!config)
      return make_error(code_of(config.error()),
                        message_of(config.error()) + "; start `skerry cloud` with this --data-dir first");
    constexpr std::string_view key = "server: ";
    auto at = config->find(key);
    if (at == std::string::npos)
      return make_error(errc::corrupt,
                        data_dir + "/admin.kubeconfig names no server; start the cloud again: it writes the file anew");
    a.server_ = config->substr(at + key.size(), config->find('\n', at) - at - key.size());
    const std::pair<const char*, std::string*> parts[] = {
        {"ca.crt", &a.who_.ca_pem}, {"admin.crt", &a.who_.certificate_pem}, {"admin.key", &a.who_.key_pem}};
    for (auto [file, to] : parts) {
      auto text = read_file(data_dir + "/pki/" + file);
      if (!text) return text.error();
      *to = *text;
    }
    return a;
  }

  caf::expected<json::value> call(const std::string& method, const std::string& target,
                                  const std::string& body = {}) const {
    auto r = drivers::http::call(server_, who_, method, target, body, call_ms_max);
    if (!r) return make_error(code_of(r.error()), message_of(r.error()) + "; is the cloud of this --data-dir running?");
    std::string error;
    auto v = parse_json(r->body, error);
    if (r->status < 400) return v;
    auto said = std::string{string_at(v, "message")};
    return make_error(r->status == 404 ? errc::not_found : errc::invalid,
                      said.empty() ? "status " + std::to_string(r->status) : said);
  }
  const std::string& ca_pem() const { return who_.ca_pem; }

private:
  std::string server_;
  ports::client_credentials who_;
};

int create(const options& o, const admin& cloud) {
  if (auto e = o.controller.empty() ? caf::error{} : link::check_controller_name(o.controller)) return fail(o, e);
  drivers::system_clock clock;
  drivers::system_random random;
  pki::openssl certificates;
  auto pin = certificates.fingerprint(cloud.ca_pem());
  if (!pin) return fail(o, message_of(pin.error()));
  auto token = link::make_token(random);
  auto expires_ms = o.ttl_hours == 0 ? 0 : clock.wall_ms() + static_cast<int64_t>(o.ttl_hours) * 3'600'000;
  auto secret = link::make_token_secret(token, expires_ms, "made by skerry token create", o.controller);
  auto r = cloud.call("POST", secrets, json::serialize(secret));
  if (!r) return fail(o, message_of(r.error()));
  std::printf("%s\n", link::format_full_token(*pin, token).c_str());
  return 0;
}

int list(const options& o, const admin& cloud) {
  auto r = cloud.call("GET", secrets);
  if (!r) return fail(o, message_of(r.error()));
  json::array rows;
  if (o.output != "json") std::printf("%-8s %-22s %-24s %s\n", "ID", "EXPIRES", "FOR", "DESCRIPTION");
  for (const auto& secret : array_at(*r, "items")) {
    auto info = link::read_token_secret(secret);
    if (!info) continue;
    auto expires = info->expires_ms == 0 ? std::string{"never"} : format_time(info->expires_ms);
    auto whom = info->controller.empty() ? std::string{"nodes"} : "controller " + info->controller;
    if (o.output == "json") {
      rows.push_back(
          json::object{{"id", info->id}, {"expires", expires}, {"for", whom}, {"description", info->description}});
    } else {
      std::printf("%-8s %-22s %-24s %s\n", info->id.c_str(), expires.c_str(), whom.c_str(), info->description.c_str());
    }
  }
  if (o.output == "json") std::printf("%s\n", json::serialize(rows).c_str());
  return 0;
}

}  // namespace

int run_token(const options& o) {
  if (o.words.empty()) return misuse(o, "say what to do: create, list or delete ID");
  const auto& verb = o.words[0];
  size_t wanted = verb == "delete" ? 2 : 1;
  if (verb != "create" && verb != "list" && verb != "delete")
    return misuse(o, "unknown verb '" + verb + "': create, list or delete ID");
  if (o.words.size() != wanted)
    return misuse(o, verb == "delete" ? "delete takes the ID of one token" : verb + " takes no further words");
  auto cloud = admin::open(o.data_dir);
  if (!cloud) return fail(o, message_of(cloud.error()));
  if (verb == "create") return create(o, *cloud);
  if (verb == "list") return list(o, *cloud);
  auto r = cloud->call("DELETE", std::string{secrets} + "/" + link::token_secret_name(o.words[1]));
  return r ? 0 : fail(o, message_of(r.error()));
}

}  // namespace skerry::tools
