#include <boost/program_options.hpp>
#include <charconv>
#include <cstdio>
#include <iostream>

#include "schema/error.hpp"
#include "sim/load/plants.hpp"
#include "tools/skerry-sim/commands.hpp"

namespace {

namespace po = boost::program_options;
using namespace skerry;
using namespace skerry::tools;

constexpr const char* usage = R"(usage: skerry-sim COMMAND [OPTIONS]

Plays a fleet in virtual time: the actors of a real cloud and its nodes, in one thread, over a simulated world. The same
seed and options give the same run, event for event.

  run SCENARIO     plays a scenario: one of `list`, or the path of a YAML file
  replay FILE      plays what a file of test/seeds/ says
  shrink SCENARIO  plays one that fails with fewer nodes, less time and fewer faults, as long as it fails the same way
  list             the scenarios that come along
  faults SCENARIO  what befalls the fleet, without playing it
  plants           bugs that --plant brings in, and the invariant that finds each

examples:
  skerry-sim run region-cut --nodes 200 --report /tmp/report
  skerry-sim run chaos --seeds 100
  skerry-sim run steady --nodes 5000 --serve
  skerry-sim run region-cut --nodes 100 --apply shop.yaml
  skerry-sim run steady --nodes 5000 --pods-per-node 10 --duration 1h --json
)";

caf::error read_numbers(const std::string& text, std::vector<uint32_t>& out) {
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(',', at), text.size());
    auto part = text.substr(at, end - at);
    if (part.empty() || part.find_first_not_of("0123456789") != std::string::npos || part.size() > 9)
      return make_error(errc::invalid, "--without '" + text + "' is not a list of numbers, such as 3,17");
    out.push_back(static_cast<uint32_t>(std::stoul(part)));
    at = end + 1;
  }
  return {};
}

caf::error read_speed(const std::string& text, double& out) {
  auto r = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text == "max")
    out = 0;
  else if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || !(out >= 0.001 && out <= 1e6))
    return make_error(errc::invalid, "--speed '" + text + "' is neither a number from 0.001 to 1000000 nor max");
  return {};
}

caf::error check_serve(const sim_options& o) {
  if (o.serve.empty()) return {};
  auto colon = o.serve.rfind(':');
  uint16_t port = 0;
  if (colon != std::string::npos) std::from_chars(o.serve.data() + colon + 1, o.serve.data() + o.serve.size(), port);
  if (port == 0)
    return make_error(errc::invalid, "--serve '" + o.serve + "' is not ADDRESS:PORT, such as 127.0.0.1:7443");
  if (o.command != "run" || o.seeds > 1) return make_error(errc::invalid, "--serve goes with run, and with one seed");
  return {};
}

po::options_description known_options() {
  po::options_description d{"options"};
  auto add = d.add_options();
  add("nodes", po::value<uint32_t>(), "nodes");
  add("pods-per-node", po::value<uint32_t>(), "applications, each with a pod for every node");
  add("devices-per-node", po::value<uint32_t>(), "devices (none in this version)");
  add("seed", po::value<uint64_t>()->default_value(1), "what decides all that is left to chance");
  add("seeds", po::value<uint64_t>()->default_value(1), "so many runs, from --seed on; ends at the first that fails");
  add("jobs", po::value<unsigned>()->default_value(0), "runs at a time (0: one for each core)");
  add("within", po::value<std::string>(), "with --seeds: no new run begins after so much real time");
  add("duration", po::value<std::string>(), "virtual time: 90s, 30m, 24h");
  add("without", po::value<std::string>(), "faults to leave out, by their numbers (see `faults`)");
  add("apply", po::value<std::vector<std::string>>(),
      "a file with objects of your own, which are created first (repeatable)");
  add("plant", po::value<std::string>()->default_value(""), "a bug to bring in (see `plants`)");
  add("report", po::value<std::string>()->default_value(""), "a folder for a page with plots");
  add("trace", po::value<std::string>()->default_value(""), "a file for every event, a line each");
  add("serve", po::value<std::string>()->implicit_value("127.0.0.1:7443"),
      "run: the cloud answers kubectl at this address and port, until SIGINT or SIGTERM");
  add("serve-dir", po::value<std::string>()->default_value(""),
      "a folder for its certificates and admin.kubeconfig (else one that goes with it)");
  add("speed", po::value<std::string>()->default_value("1"), "with --serve: virtual seconds in a real one, or max");
  add("json", "one JSON object instead of text");
  add("log", "what the islands log, on standard error");
  add("help,h", "this text");
  return d;
}

caf::error read_options(int argc, char** argv, sim_options& o, bool& help) {
  auto shown = known_options();
  po::options_description all;
  all.add(shown).add_options()("command", po::value<std::string>())("what", po::value<std::string>());
  po::positional_options_description places;
  places.add("command", 1).add("what", 1);
  po::variables_map v;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(places).run(), v);
    po::notify(v);
  } catch (const po::error& e) {
    return make_error(errc::invalid, e.what());
  }
  help = v.contains("help");
  auto text = [&](const char* name) { return v.contains(name) ? v[name].as<std::string>() : std::string{}; };
  o.command = text("command");
  o.what = text("what");
  if (v.contains("nodes")) o.nodes = v["nodes"].as<uint32_t>();
  if (v.contains("pods-per-node")) o.pods_per_node = v["pods-per-node"].as<uint32_t>();
  if (v.contains("devices-per-node")) o.devices_per_node = v["devices-per-node"].as<uint32_t>();
  o.seed = v["seed"].as<uint64_t>();
  o.seeds = v["seeds"].as<uint64_t>();
  o.jobs = v["jobs"].as<unsigned>();
  o.plant = text("plant");
  if (v.contains("apply")) o.apply = v["apply"].as<std::vector<std::string>>();
  o.serve = text("serve");
  o.serve_dir = text("serve-dir");
  if (auto e = read_speed(text("speed"), o.speed)) return e;
  if (auto e = check_serve(o)) return e;
  o.report = text("report");
  o.trace = text("trace");
  o.json = v.contains("json");
  o.log = v.contains("log");
  if (v.contains("within")) {
    auto ms = skerry::parse_duration(text("within"));
    if (!ms) return make_error(errc::invalid, "--within '" + text("within") + "' is not a time such as 60s");
    o.within_ms = *ms;
  }
  if (v.contains("duration") && !(o.duration_ms = skerry::parse_duration(text("duration"))))
    return make_error(errc::invalid, "--duration '" + text("duration") + "' is not a time such as 90s, 30m or 24h");
  if (o.nodes && (*o.nodes == 0 || *o.nodes > 1'000'000)) return make_error(errc::invalid, "--nodes: 1 to 1000000");
  return read_numbers(text("without"), o.without);
}

int fail(const caf::error& e, int code) {
  std::fprintf(stderr, "skerry-sim: %s\n", message_of(e).c_str());
  return code;
}

int play_one(const sim_options& o, const recipe& r) {
  auto f = play(r, o.json, o.log, o.trace);
  std::fputs((o.json ? json_of(r, f) + "\n" : text_of(r, f)).c_str(), stdout);
  if (!o.report.empty()) {
    if (auto w = write_report(o.report, r, f); !w) return fail(w.error(), 1);
    if (!o.json) std::printf("report: %s/index.html\n", o.report.c_str());
  }
  return f.out.ok ? 0 : f.out.broke == "manifests" ? 2 : 1;
}

int run(const sim_options& o) {
  if (o.command == "list") {
    for (auto& [name, about] : known_scenarios()) std::printf("%-20s %s\n", name.c_str(), about.c_str());
    return 0;
  }
  if (o.command == "plants") {
    for (auto& b : sim::planted_bugs()) std::printf("%-20s %s\n", b.name.c_str(), b.found_by.c_str());
    return 0;
  }
  bool file = o.command == "replay";
  if (!file && o.command != "run" && o.command != "shrink" && o.command != "faults")
    return fail(make_error(errc::invalid,
                           (o.command.empty() ? std::string{"no command"} : "'" + o.command + "' is no command") +
                               "; there are run, replay, shrink, list, faults, plants (--help says more)"),
                2);
  if (o.what.empty()) return fail(make_error(errc::invalid, o.command + ": what? See skerry-sim list"), 2);
  auto r = file ? read_seed_file(o.what) : read_recipe(o);
  if (!r) return fail(r.error(), 2);
  if (o.command == "faults") {
    for (auto& f : sim::draw_schedule(r->plan, r->seed)) std::printf("%4u  %s\n", f.number, f.text().c_str());
    return 0;
  }
  if (o.command == "shrink") return shrink(o, std::move(*r));
  if (!o.serve.empty()) return serve(o, *r);
  return o.seeds > 1 ? run_seeds(o, *r) : play_one(o, *r);
}

}  // namespace

int main(int argc, char** argv) {
  sim_options o;
  bool help = false;
  if (auto e = read_options(argc, argv, o, help)) return fail(e, 2);
  if (help || argc == 1) {
    std::cout << usage << "\n" << known_options();
    return argc == 1 ? 2 : 0;
  }
  return run(o);
}
