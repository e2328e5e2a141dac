#include <boost/json/serialize.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/cluster.hpp"
#include "tools/skerry-bench/modbus_device.hpp"
#include "tools/skerry-bench/samples.hpp"

namespace skerry::bench {
namespace {

constexpr int changes = 100;
constexpr int devices = 100, properties = 10, buses = 10;
constexpr int watched_seconds = 60;
constexpr int64_t fast_cycle_ms = 10;
constexpr double megabyte = 1e6;
constexpr auto base = "/apis/devices.kubeedge.io/v1beta1/namespaces/default/";

template <class F>
void await(const char* what, F&& holds) {
  for (auto end = now_ms() + 30'000; now_ms() < end;) {
    if (holds()) return;
    std::this_thread::sleep_for(std::chrono::microseconds{200});
  }
  throw std::runtime_error(std::string{"not in time: "} + what);
}

void create_model(cluster& c) {
  json::array list;
  for (int i = 0; i < properties; ++i)
    list.push_back(json::object{{"name", "p" + std::to_string(i)}, {"type", "INT"}, {"accessMode", "ReadWrite"}});
  json::object model{{"apiVersion", "devices.kubeedge.io/v1beta1"},
                     {"kind", "DeviceModel"},
                     {"metadata", json::object{{"name", "m"}}},
                     {"spec", json::object{{"properties", std::move(list)}}}};
  c.call("POST", std::string{base} + "devicemodels", json::serialize(model));
}

void create_device(cluster& c, const std::string& name, int port, int count, int64_t cycle_ms, int64_t report_ms = 0) {
  json::array list;
  for (int i = 0; i < count; ++i) {
    json::object visitor{{"register", "HoldingRegister"}, {"offset", i}, {"limit", 1}};
    list.push_back(json::object{{"name", "p" + std::to_string(i)},
                                {"collectCycle", cycle_ms},
                                {"reportCycle", report_ms > 0 ? report_ms : cycle_ms},
                                {"visitors", json::object{{"configData", std::move(visitor)}}}});
  }
  json::object protocol{{"protocolName", "modbus"},
                        {"configData", json::object{{"ip", "127.0.0.1"}, {"port", port}, {"slaveID", 1}}}};
  json::object device{{"apiVersion", "devices.kubeedge.io/v1beta1"},
                      {"kind", "Device"},
                      {"metadata", json::object{{"name", name}}},
                      {"spec", json::object{{"deviceModelRef", json::object{{"name", "m"}}},
                                            {"nodeName", "bench"},
                                            {"protocol", std::move(protocol)},
                                            {"properties", std::move(list)}}}};
  c.call("POST", std::string{base} + "devices", json::serialize(device));
}

std::string value_of(const json::value& device, size_t property) {
  const auto& twins = array_at(device, "status.twins");
  return property < twins.size() ? std::string{string_at(twins[property], "reported.value")} : "";
}

json::value get(cluster& c, const std::string& name) { return c.call("GET", std::string{base} + "devices/" + name); }

/// A register changes at the device, until a client that asks again and again sees it.
void change_to_seen(cluster& c, modbus_device& device, figures& out) {
  std::vector<double> sample;
  for (int i = 0; i < changes; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20 + i % 13});
    auto value = static_cast<uint16_t>(1'000 + i);
    auto start = now_ms();
    device.set(0, value);
    await("the change is seen", [&] { return value_of(get(c, "fast"), 0) == std::to_string(value); });
    sample.push_back(now_ms() - start);
  }
  out.push_back({"change at a Modbus register (read each 10 ms) to a client's GET, p50",
                 quantile(sample, 0.5),
                 "ms",
                 {},
                 aim::at_most});
  out.push_back({"the same, p99: poll cycle and 50 ms", quantile(sample, 0.99), "ms",
                 50.0 + static_cast<double>(fast_cycle_ms), aim::at_most});
}

/// A desired value is put at the cloud, until it stands at the device.
void desired_to_device(cluster& c, modbus_device& device, figures& out) {
  std::vector<double> sample;
  for (int i = 0; i < changes; ++i) {
    auto value = static_cast<uint16_t>(2'000 + i);
    auto object = get(c, "fast");
    auto& spec = object.at("spec").at("properties").as_array()[1].as_object();
    spec["desired"] = json::object{{"value", std::to_string(value)}};
    object.as_object()["metadata"].as_object().erase("resourceVersion");  // its status moves all the time
    auto body = json::serialize(object);
    auto start = now_ms();
    c.call("PUT", std::string{base} + "devices/fast", body);
    await("the value is at the device", [&] { return device.get(1) == value; });
    sample.push_back(now_ms() - start);
  }
  out.push_back(
      {"PUT of a desired value to the register at the device, p50", quantile(sample, 0.5), "ms", {}, aim::at_most});
  out.push_back({"the same, p99", quantile(sample, 0.99), "ms", 20, aim::at_most});
}

/// Samples of a device that the cloud has.
int64_t samples_of(cluster& c, const std::string& name) {
  auto answer = c.call("GET", "/apis/telemetry.skerry.io/v1/namespaces/default/devices/" + name + "/samples?agg=count");
  int64_t n = 0;
  for (const auto& item : array_at(answer, "items")) n += int_at(item, "count");
  return n;
}

/// Registers that are read as fast as the node can, by Modbus, through twins and journal to the cloud's disk.
void many_samples(cluster& c, figures& out) {
  constexpr int fast_devices = 20, fast_properties = 50, fast_seconds = 20;
  for (int i = 0; i < devices; ++i) c.call("DELETE", std::string{base} + "devices/d" + std::to_string(i));
  json::array list;
  for (int i = 0; i < fast_properties; ++i)
    list.push_back(json::object{{"name", "p" + std::to_string(i)}, {"type", "INT"}, {"accessMode", "ReadWrite"}});
  json::object model{{"apiVersion", "devices.kubeedge.io/v1beta1"},
                     {"kind", "DeviceModel"},
                     {"metadata", json::object{{"name", "m"}}},
                     {"spec", json::object{{"properties", std::move(list)}}}};
  c.call("PUT", std::string{base} + "devicemodels/m", json::serialize(model));
  std::vector<std::unique_ptr<modbus_device>> peers;
  auto all = [&] {
    int64_t n = 0;
    for (int i = 0; i < fast_devices; ++i) n += samples_of(c, "s" + std::to_string(i));
    return n;
  };
  for (int i = 0; i < fast_devices; ++i) {
    peers.push_back(std::make_unique<modbus_device>());
    create_device(c, "s" + std::to_string(i), peers.back()->port(), fast_properties, fast_cycle_ms, 1'000);
  }
  await("the samples come", [&] { return all() > 0; });
  std::this_thread::sleep_for(std::chrono::seconds{3});
  auto before = all();
  auto start = now_ms(), cpu = static_cast<double>(cpu_us_of(c.edge_pid()));
  std::this_thread::sleep_for(std::chrono::seconds{fast_seconds});
  auto after = all();
  auto seconds = (now_ms() - start) / 1'000;
  cpu = static_cast<double>(cpu_us_of(c.edge_pid())) - cpu;
  out.push_back(
      {"samples of 20 Modbus devices of 50 properties each 10 ms, through twin and journal to the cloud's disk",
       static_cast<double>(after - before) / seconds, "/s", 50'000, aim::at_least});
  out.push_back({"the same, CPU of the agent", cpu / 10'000 / seconds, "%", {}, aim::at_most});
}

/// 100 devices; in each one property changes each second.
void many(cluster& c, figures& out) {
  std::vector<std::unique_ptr<modbus_device>> peers;
  for (int i = 0; i < buses; ++i) peers.push_back(std::make_unique<modbus_device>());
  for (int i = 0; i < devices; ++i)
    create_device(c, "d" + std::to_string(i), peers[static_cast<size_t>(i % buses)]->port(), properties, 1'000);
  std::this_thread::sleep_for(std::chrono::seconds{15});  // what comes at start is over; then we measure
  double rss_max = 0;
  auto before = cpu_us_of(c.edge_pid()), cloud_before = cpu_us_of(c.cloud_pid());
  auto start = now_ms();
  for (int i = 0; i < watched_seconds; ++i) {
    for (auto& p : peers) p->set(3, static_cast<uint16_t>(i + 1));
    std::this_thread::sleep_for(std::chrono::seconds{1});
    rss_max = std::max(rss_max, static_cast<double>(memory_of(c.edge_pid()).rss));
  }
  auto percent = [&](uint64_t us) { return static_cast<double>(us) / 10.0 / (now_ms() - start); };
  auto edge = percent(cpu_us_of(c.edge_pid()) - before), cloud = percent(cpu_us_of(c.cloud_pid()) - cloud_before);
  for (int i = 0; i < devices; ++i)
    if (value_of(get(c, "d" + std::to_string(i)), 3).empty()) throw std::runtime_error("a device was not read");
  out.push_back({"agent, 100 devices of 10 properties at 1 s, one of them changing: RSS, highest of 60 s",
                 rss_max / megabyte, "MB", 24, aim::at_most});
  out.push_back({"the same, CPU", edge, "%", 3, aim::at_most});
  out.push_back({"the same, CPU of the cloud", cloud, "%", {}, aim::at_most});
}

}  // namespace

figures bench_twin() {
  figures out;
  cluster c;
  c.start_cloud();
  c.start_edge();
  create_model(c);
  {
    modbus_device device;
    create_device(c, "fast", device.port(), 2, fast_cycle_ms);
    await("the device is online", [&] { return string_at(get(c, "fast"), "status.state") == "online"; });
    change_to_seen(c, device, out);
    desired_to_device(c, device, out);
    c.call("DELETE", std::string{base} + "devices/fast");
  }
  many(c, out);
  many_samples(c, out);
  sample_bytes(out);
  return out;
}

}  // namespace skerry::bench
