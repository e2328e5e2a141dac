#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "drivers/http/yaml.hpp"
#include "schema/error.hpp"
#include "sim/load/plants.hpp"
#include "tools/skerry-sim/commands.hpp"

namespace skerry::tools {
namespace {

namespace fs = std::filesystem;

/// Beside the binary where it is installed, else in the tree that it was built from.
fs::path scenarios() {
  char self[PATH_MAX];
  auto n = ::readlink("/proc/self/exe", self, sizeof self);
  if (n > 0) {
    auto installed =
        fs::path{std::string{self, static_cast<size_t>(n)}}.parent_path().parent_path() / "share/skerry/scenarios";
    std::error_code ec;
    if (fs::is_directory(installed, ec)) return installed;
  }
  return SKERRY_SCENARIOS;
}

caf::expected<std::string> read_text(const fs::path& path) {
  std::ifstream in{path};
  if (!in) return make_error(errc::not_found, "cannot read " + path.string());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

caf::expected<json::value> read_yaml(const fs::path& path) {
  auto text = read_text(path);
  if (!text) return text.error();
  auto v = http::yaml_to_json(*text);
  if (!v) return make_error(code_of(v.error()), path.string() + ": " + message_of(v.error()));
  return v;
}

/// As a shell takes it for one word.
std::string quoted(const std::string& word) {
  auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view{"-_./=:,@%+"}.find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string out = "'";
  for (char c : word) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

std::string names_of(const std::vector<std::pair<std::string, std::string>>& all) {
  std::string out;
  for (auto& [name, about] : all) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> known_scenarios() {
  std::vector<std::pair<std::string, std::string>> out;
  std::error_code ec;
  for (auto& entry : fs::directory_iterator{scenarios(), ec}) {
    if (entry.path().extension() != ".yaml") continue;
    auto v = read_yaml(entry.path());
    out.emplace_back(entry.path().stem(), v ? std::string{string_at(*v, "about")} : message_of(v.error()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

caf::expected<recipe> read_recipe(const sim_options& o) {
  std::error_code ec;
  auto path = fs::path{o.what};
  if (o.what.find('/') == std::string::npos && !o.what.ends_with(".yaml")) path = scenarios() / (o.what + ".yaml");
  if (!fs::exists(path, ec))
    return make_error(errc::not_found, "there is no scenario '" + o.what + "'; there are " +
                                           names_of(known_scenarios()) + ", or give the path of a file");
  auto v = read_yaml(path);
  if (!v) return v.error();
  auto s = sim::read_scenario(*v);
  if (!s) return make_error(errc::invalid, path.string() + ": " + message_of(s.error()));
  recipe r{std::move(*s), o.what, o.seed, o.without, o.plant, o.apply, {}};
  for (auto& file : o.apply) {
    auto all = read_manifests(file);
    if (!all) return all.error();
    r.manifests.insert(r.manifests.end(), all->begin(), all->end());
  }
  if (r.plan.name.empty()) r.plan.name = path.stem();
  if (o.nodes) r.plan.nodes = *o.nodes;
  if (o.pods_per_node) r.plan.pods_per_node = *o.pods_per_node;
  if (o.duration_ms) r.plan.duration_ms = *o.duration_ms;
  std::erase_if(r.plan.changes, [&](auto& c) { return c.app >= r.plan.pods_per_node; });
  if (o.devices_per_node.value_or(0) > 0)
    return make_error(errc::unsupported, "--devices-per-node: this version has no device twins");
  auto& bugs = sim::planted_bugs();
  if (!o.plant.empty() && std::none_of(bugs.begin(), bugs.end(), [&](auto& b) { return b.name == o.plant; }))
    return make_error(errc::invalid, "--plant '" + o.plant + "' is not known; see skerry-sim plants");
  return r;
}

caf::expected<recipe> read_seed_file(const std::string& path) {
  auto v = read_yaml(path);
  if (!v) return v.error();
  sim_options o;
  o.what = string_at(*v, "scenario");
  o.seed = static_cast<uint64_t>(int_at(*v, "seed", 1));
  if (auto* n = find(*v, "nodes"); n != nullptr) o.nodes = static_cast<uint32_t>(int_at(*v, "nodes"));
  if (auto* n = find(*v, "podsPerNode"); n != nullptr)
    o.pods_per_node = static_cast<uint32_t>(int_at(*v, "podsPerNode"));
  if (auto* d = find(*v, "duration"); d != nullptr) {
    o.duration_ms = skerry::parse_duration(string_at(*v, "duration"));
    if (!o.duration_ms) return make_error(errc::invalid, path + ": duration is not one, such as 30m");
  }
  for (auto& file : array_at(*v, "apply"))
    if (file.is_string()) o.apply.emplace_back((fs::path{path}.parent_path() / file.get_string().c_str()).string());
  for (auto& n : array_at(*v, "without"))
    if (n.is_number()) o.without.push_back(n.to_number<uint32_t>());
  if (o.what.empty()) return make_error(errc::invalid, path + ": it names no scenario");
  return read_recipe(o);
}

caf::expected<std::vector<sim::manifest>> read_manifests(const std::string& path) {
  auto text = read_text(path);
  if (!text) return make_error(errc::not_found, "--apply: " + message_of(text.error()));
  auto documents = http::yaml_documents(*text);
  if (!documents) return make_error(errc::invalid, path + ": " + message_of(documents.error()));
  std::vector<sim::manifest> out;
  for (size_t i = 0; i < documents->size(); ++i) {
    auto& v = (*documents)[i];
    auto where = path + (documents->size() > 1 ? ", document " + std::to_string(i + 1) : "");
    if (v.is_null()) continue;  // nothing but comments
    if (!v.is_object() || string_at(v, "kind").empty() || string_at(v, "apiVersion").empty())
      return make_error(errc::invalid, where + ": no object with apiVersion and kind");
    if (string_at(v, "kind") == "List")
      for (auto& item : array_at(v, "items")) out.push_back({where, item});
    else
      out.push_back({where, std::move(v)});
  }
  if (out.empty()) return make_error(errc::invalid, path + ": there is no object in it");
  return out;
}

std::string recipe::line() const {
  auto out = "skerry-sim run " + quoted(what) + " --seed " + std::to_string(seed) + " --nodes " +
             std::to_string(plan.nodes) + " --pods-per-node " + std::to_string(plan.pods_per_node) + " --duration " +
             std::to_string(plan.duration_ms) + "ms";
  for (size_t i = 0; i < without.size(); ++i) out += (i == 0 ? " --without " : ",") + std::to_string(without[i]);
  if (!plant.empty()) out += " --plant " + plant;
  for (auto& file : apply) out += " --apply " + quoted(file);
  return out;
}

}  // namespace skerry::tools
