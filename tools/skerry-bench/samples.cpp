#include "tools/skerry-bench/samples.hpp"

#include <chrono>
#include <cmath>
#include <random>
#include <thread>

#include "actors/telemetry/journal.hpp"
#include "actors/telemetry/series_store.hpp"
#include "drivers/kv/leveldb.hpp"
#include "schema/device/limits.hpp"
#include "tools/skerry-bench/folder.hpp"

namespace skerry::bench {
namespace {

using namespace telemetry;

constexpr int devices = 10, properties = 10, seconds = 3'600;

/// Temperatures with one digit that move by 0.1 each ten seconds or so, read each second, give or take 3 ms.
class walk {
public:
  explicit walk(unsigned seed) : chance_(seed) {}
  sample next() {
    at_ms_ += 1'000;
    if (chance_() % 10 == 0) value_ = std::round(value_ * 10 + (chance_() % 2 == 0 ? 1 : -1)) / 10;
    return {at_ms_ + static_cast<int64_t>(chance_() % 7) - 3, ports::quality::good, value_};
  }

private:
  std::mt19937 chance_;
  int64_t at_ms_ = 1'764'200'000'000;
  double value_ = 21.5;
};

uint64_t bytes_in(const std::string& folder) {
  uint64_t n = 0;
  for (const auto& f : std::filesystem::recursive_directory_iterator{folder})
    if (f.is_regular_file()) n += f.file_size();
  return n;
}

std::unique_ptr<ports::kv> open(drivers::leveldb_options o) {
  auto kv = drivers::open_leveldb(std::move(o));
  if (!kv) throw std::runtime_error{message_of(kv.error())};
  return std::move(*kv);
}

void check(const caf::error& e) {
  if (e) throw std::runtime_error{message_of(e)};
}

/// The tables once all is in them and what was removed is out of them, as after some days.
uint64_t settled(ports::kv& kv, const std::string& folder) {
  for (int round = 0; round < 2; ++round) {
    // LevelDB merges a table only with one that lies across it.
    ports::kv_batch around;
    for (const auto* key : {"a", "y"}) around.put(key, std::to_string(round));
    if (auto ok = kv.write(around, true); !ok) check(ok.error());
    kv.compact("a", "z");
    for (uint64_t last = 0, now = 1, same = 0; same < 10; last = now) {
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      now = bytes_in(folder);
      same = now == last ? same + 1 : 0;
    }
  }
  return bytes_in(folder);
}

}  // namespace

void sample_bytes(figures& out) {
  constexpr double count = 1.0 * devices * properties * seconds;
  folder here;
  auto node = here.path + "/node", cloud = here.path + "/cloud";
  std::filesystem::create_directory(node);
  std::filesystem::create_directory(cloud);
  auto node_kv = open(drivers::leveldb_options::small(node));
  auto options = drivers::leveldb_options::large(cloud);
  options.compress = true;
  auto cloud_kv = open(std::move(options));
  journal j{*node_kv, limits::sample_backlog_bytes_max};
  check(j.load("bench"));
  std::vector<walk> walks;  // each another one, so that nothing is found twice
  for (unsigned i = 0; i < devices * properties; ++i) walks.emplace_back(4'711 + i);
  frame_builder b;
  for (int s = 0; s < seconds; ++s) {
    for (int d = 0; d < devices; ++d)
      for (int p = 0; p < properties; ++p)
        b.add({"default", "d" + std::to_string(d), "00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + d)},
              "p" + std::to_string(p), walks[static_cast<size_t>(d * properties + p)].next());
    check(j.add(b));
    if (j.piece_bytes() >= limits::sample_frame_bytes || j.pieces() >= journal::pieces_max) check(j.fold());
  }
  check(j.fold());
  out.push_back({"an hour of 100 slowly changing values each second that waits on the node's disk, bytes for a sample",
                 static_cast<double>(settled(*node_kv, node)) / count, "B", 3, aim::at_most});
  series_store series{*cloud_kv, {}};
  constexpr int64_t now_ms = 1'764'210'000'000;
  check(series.load(now_ms));
  uint64_t last = 0;
  while (true) {
    auto e = j.next_after(last);
    if (!e) check(e.error());
    if (!*e) break;
    last = (**e).sequence;
    auto frame =
        letter<schema::SampleFrame>::from_bytes(std::as_bytes(std::span{(**e).bytes.data(), (**e).bytes.size()}));
    if (!frame) check(frame.error());
    series.put("n1", "bench", last, 0, *frame, now_ms);
  }
  check(series.commit());
  check(series.seal("n1", now_ms));
  out.push_back({"the same as blocks on the cloud's disk, bytes for a sample",
                 static_cast<double>(settled(*cloud_kv, cloud)) / count, "B", 3, aim::at_most});
}

}  // namespace skerry::bench
