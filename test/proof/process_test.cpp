// Delivery, proven between two processes over real TCP and TLS: a proxy breaks their connections as a seed draws it,
// and kill -9 ends either of them at random. What took effect is read from the receivers' stores afterwards.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <set>

#include "drivers/kv/leveldb.hpp"
#include "test/net/world.hpp"
#include "test/proof/options.hpp"
#include "test/proof/process.hpp"
#include "test/proof/record.hpp"
#include "test/store/scratch.hpp"
#include "tools/proxy/fault_proxy.hpp"

using namespace skerry;
using namespace skerry::test::proof;
using steady = std::chrono::steady_clock;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t rss_bytes_max = 2048ULL * 1024 * 1024;  // what a sanitizer keeps for itself is several times that
#else
constexpr uint64_t rss_bytes_max = 256 * 1024 * 1024;
#endif

/// A process of the proof, as its parent holds it.
class child {
public:
  child(const char* role, const process_args& args) {
    int in[2], out[2];
    BOOST_REQUIRE(::pipe2(in, O_CLOEXEC) == 0 && ::pipe(out) == 0);
    auto test = std::string{"--run_test=proof_child/"} + role;
    auto pipe = std::to_string(out[1]), nodes = std::to_string(args.nodes), port = std::to_string(args.port);
    const char* argv[] = {"test_proof",
                          test.c_str(),
                          "--catch_system_errors=no",
                          "--log_level=error",
                          "--report_level=no",
                          "--",
                          args.folder.c_str(),
                          pipe.c_str(),
                          nodes.c_str(),
                          port.c_str(),
                          nullptr};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(in[0], STDIN_FILENO);
      ::close(out[0]);
      ::execv("/proc/self/exe", const_cast<char**>(argv));
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  child(const child&) = delete;
  ~child() { end(SIGKILL); }

  int pipe() const { return out_; }
  void finish() { BOOST_TEST(::write(in_, "f", 1) == 1); }
  /// Peak of its resident memory so far.
  uint64_t peak_rss_bytes() const {
    std::ifstream in{"/proc/" + std::to_string(pid_) + "/status"};
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
    return 0;
  }
  /// Ends it; what it said before stays readable.
  void end(int signal) {
    if (pid_ < 0) return;
    ::close(in_);
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    if (signal == 0 || !WIFSIGNALED(status))
      BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0), "a process of the proof ended by itself: " << status);
  }
  void close() { ::close(std::exchange(out_, -1)); }

private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
};

/// What the parent knows of a flow.
struct flow {
  sent_record facts;
  uint64_t said_state[keys_of_flow] = {}, shown[keys_of_flow] = {};
};

class proof {
public:
  proof(uint64_t seed, uint32_t nodes) : chance_(seed), nodes_(nodes), flows_(2 * nodes) {
    make_keys(dir_.path(), nodes);
    save_points();
    start_cloud();
    hear_until([&] { return port_ != 0; }, 60);
    odds_.cut_bytes_min = 6'000;
    odds_.cut_bytes_max = 80'000;
    odds_.early = 10;
    odds_.slow = 30;
    odds_.slow_bytes_per_s_min = 20'000;
    odds_.silent = 25;
    odds_.half_open = 12;
    odds_.delay_ms_max = 60;
    line_ = std::make_unique<tools::fault_proxy>(port_, [this, faults = std::make_shared<test::seeded_random>(seed)] {
      return calm_ ? sim::fault_plan{} : sim::draw_faults(*faults, odds_);
    });
    start_nodes();
  }

  /// Until there were so many cuts and so many kills.
  void run(uint64_t cuts, uint64_t kills, int seconds_max) {
    auto end = steady::now() + std::chrono::seconds{seconds_max};
    auto enough = [&] { return line_->so_far().cuts >= cuts && cloud_kills_ + nodes_kills_ >= kills; };
    while (!enough()) {
      BOOST_REQUIRE_MESSAGE(steady::now() < end, "only " << line_->so_far().cuts << " cuts and "
                                                         << cloud_kills_ + nodes_kills_ << " kills in " << seconds_max
                                                         << " s");
      auto pause = std::chrono::milliseconds{300 + chance_.next() % 1'600};
      auto until = std::min(end, steady::now() + pause);
      hear_until([&] { return steady::now() > until || enough(); }, seconds_max);
      if (!enough()) kill_one();
    }
    calm_ = true;
  }
  /// Nothing breaks any more: all that was sent must arrive.
  void settle(int seconds_max) {
    cloud_->finish();
    links_->finish();
    hear_until([&] { return done_ == 2; }, seconds_max);
    BOOST_TEST(done_ == 2, "it does not come to rest within " << seconds_max << " s");
    for (auto* c : {cloud_.get(), links_.get()}) {
      peak_rss_ = std::max(peak_rss_, c->peak_rss_bytes());
      c->end(0);
      hear_rest(*c);
    }
  }
  void verify();
  void report() const;

private:
  process_args args(uint16_t port) { return {dir_.path(), -1, nodes_, port}; }
  void start_cloud() { cloud_ = std::make_unique<child>("cloud", args(port_)); }
  void start_nodes() { links_ = std::make_unique<child>("nodes", args(line_->port())); }
  void save_points() {
    std::vector<resume_point> points;
    for (auto& f : flows_) {
      resume_point p;
      p.next_fact = f.facts.next();
      std::copy(std::begin(f.said_state), std::end(f.said_state), std::begin(p.state));
      points.push_back(p);
    }
    save(points, dir_.path() + "/points");
  }
  void kill_one() {
    auto& who = chance_.next() % 2 == 0 ? cloud_ : links_;
    bool cloud = who == cloud_;
    peak_rss_ = std::max(peak_rss_, who->peak_rss_bytes());
    who->end(SIGKILL);
    hear_rest(*who);
    save_points();
    ++(cloud ? cloud_kills_ : nodes_kills_);
    cloud ? start_cloud() : start_nodes();
  }

  template <class F>
  void hear_until(F holds, int seconds_max) {
    for (auto end = steady::now() + std::chrono::seconds{seconds_max}; !holds() && steady::now() < end;) {
      pollfd p[2] = {{cloud_->pipe(), POLLIN, 0}, {links_ ? links_->pipe() : -1, POLLIN, 0}};
      ::poll(p, 2, 20);
      for (auto& one : p) {
        if ((one.revents & POLLIN) != 0) hear(one.fd);
        BOOST_REQUIRE_MESSAGE((one.revents & POLLIN) != 0 || (one.revents & POLLHUP) == 0,
                              "a process of the proof ended by itself");
      }
    }
  }
  bool hear(int fd) {
    said all[256];
    auto n = ::read(fd, all, sizeof all);
    for (auto* s = all; n > 0 && s < all + static_cast<size_t>(n) / sizeof(said); ++s) take(*s);
    return n > 0;
  }
  void hear_rest(child& c) {
    while (hear(c.pipe())) {
    }
    c.close();
  }
  void take(const said& s);

  test::scratch dir_;
  test::seeded_random chance_;
  const uint32_t nodes_;
  std::vector<flow> flows_;
  sim::fault_odds odds_;
  std::atomic<bool> calm_{false};
  uint16_t port_ = 0;
  std::unique_ptr<child> cloud_, links_;
  std::unique_ptr<tools::fault_proxy> line_;
  std::vector<uint64_t> resumed_ms_;
  uint64_t answered_ = 0, suspended_ = 0, failed_ = 0, wrong_ = 0, hung_ = 0, peak_rss_ = 0, cloud_kills_ = 0,
           nodes_kills_ = 0, facts_ = 0, effects_ = 0;
  int done_ = 0;
};

void proof::take(const said& s) {
  BOOST_REQUIRE(s.flow < flows_.size());
  BOOST_REQUIRE(s.key < keys_of_flow);
  auto& f = flows_[s.flow];
  switch (s.what) {
    case said::about:
      return f.facts.about(s.number);
    case said::sent:
      return f.facts.sent(s.number);
    case said::state:
      f.said_state[s.key] = s.number;
      return;
    case said::shown:
      BOOST_TEST(s.number >= f.shown[s.key], name_of_flow(s.flow) << ": state " << s.key << " went back from "
                                                                  << f.shown[s.key] << " to " << s.number);
      f.shown[s.key] = s.number;
      return;
    case said::resumed:
      if (s.flow % 2 == 0) resumed_ms_.push_back(s.number);
      return;
    case said::answered:
      ++answered_;
      return;
    case said::suspended:
      ++suspended_;
      return;
    case said::failed:
      ++failed_;
      return;
    case said::hung:
      ++hung_;
      return;
    case said::wrong:
      ++wrong_;
      return;
    case said::port:
      port_ = static_cast<uint16_t>(s.number);
      return;
    case said::done:
      ++done_;
      return;
    default:
      return;
  }
}

void proof::verify() {
  auto open = [&](const std::string& island) {
    auto kv = drivers::open_leveldb(drivers::leveldb_options::small(store_of(dir_.path(), island)));
    BOOST_REQUIRE_MESSAGE(kv, test::why(kv));
    return std::move(*kv);
  };
  auto check = [&](ports::kv& kv, uint32_t number) {
    auto effects = effects_of(kv, name_of_flow(number));
    BOOST_REQUIRE(effects);
    auto& f = flows_[number];
    facts_ += f.facts.size();
    effects_ += effects->size();
    auto broken = f.facts.check(*effects);
    BOOST_TEST(broken == "", name_of_flow(number) << ": " << broken);
    for (uint32_t key = 0; key < keys_of_flow; ++key)
      BOOST_TEST(f.shown[key] == f.said_state[key], name_of_flow(number)
                                                        << ": state " << key << " shows " << f.shown[key] << " and not "
                                                        << f.said_state[key]);
  };
  auto cloud = open("/cloud");
  for (uint32_t n = 0; n < nodes_; ++n) {
    check(*cloud, flow_up(n));
    auto node = open(island_of_node(n));
    check(*node, flow_down(n));
  }
  BOOST_TEST(wrong_ == 0u);
  BOOST_TEST(hung_ == 0u, hung_ << " reports of requests that hang");
  BOOST_TEST(peak_rss_ <= rss_bytes_max, "a process held " << peak_rss_ / 1'000'000 << " MB");
  BOOST_TEST(effects_ > 0u);
}

uint64_t quantile(std::vector<uint64_t> sample, double q) {
  if (sample.empty()) return 0;
  std::sort(sample.begin(), sample.end());
  return sample[std::min(sample.size() - 1, static_cast<size_t>(q * static_cast<double>(sample.size())))];
}

void proof::report() const {
  auto c = line_->so_far();
  std::cout << "  " << c.cuts << " cuts on " << c.connections << " connections (" << c.half_open << " half-open, "
            << c.silent << " silent, " << c.corrupt << " corrupt bytes, " << c.delayed << " delayed, " << c.slow
            << " slow), kill -9 of the cloud " << cloud_kills_ << ", of the nodes " << nodes_kills_ << "; " << facts_
            << " durable letters, " << effects_ << " effects, " << answered_ << " answers, " << suspended_
            << " suspended, " << failed_ << " failed; reconnect p50 " << quantile(resumed_ms_, 0.5) << " ms, p99 "
            << quantile(resumed_ms_, 0.99) << " ms of " << resumed_ms_.size() << "; peak memory of a process "
            << peak_rss_ / 1'000'000 << " MB" << std::endl;
}

process_args child_args() {
  auto& suite = boost::unit_test::framework::master_test_suite();
  BOOST_REQUIRE(suite.argc == 5);
  return {suite.argv[1], std::stoi(suite.argv[2]), static_cast<uint32_t>(std::stoul(suite.argv[3])),
          static_cast<uint16_t>(std::stoul(suite.argv[4]))};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(proof_child, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(cloud) { run_cloud(child_args()); }
BOOST_AUTO_TEST_CASE(nodes) { run_nodes(child_args()); }

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(delivery_between_processes)

BOOST_AUTO_TEST_CASE(a_thousand_cuts_and_kills_lose_and_double_nothing) {
  auto cuts = number_option("cuts", 1'000);
  auto nodes = static_cast<uint32_t>(number_option("nodes", 16));
  auto kills = number_option("kills", 20);
  auto seconds = static_cast<int>(number_option("seconds", 200));
  auto seed =
      seed_of_run("delivery_between_processes", " cuts=" + std::to_string(cuts) + " kills=" + std::to_string(kills) +
                                                    " nodes=" + std::to_string(nodes));
  BOOST_TEST_CONTEXT("seed " << seed) {
    proof p{seed, nodes};
    p.run(cuts, kills, seconds);
    p.settle(90);
    p.verify();
    p.report();
  }
}

BOOST_AUTO_TEST_SUITE_END()
