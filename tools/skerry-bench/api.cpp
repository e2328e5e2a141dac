// The API as its clients see it: TLS, keep-alive, the real `skerry cloud` as a process; CPU time of that process for
// each operation, which holds on a noisy machine.
#include <poll.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/cluster.hpp"

namespace skerry::bench {
namespace asio = boost::asio;
namespace {

constexpr int pods = 5'000, writers = 8, gets = 20'000, lists = 20, watchers = 100, updates = 200;
const std::string collection = "/api/v1/namespaces/default/pods";

/// A blocking HTTP/1.1 client on one TLS connection.
class client {
public:
  client(asio::ssl::context& tls, const std::string& server) : socket_(io_), ssl_(SSL_new(tls.native_handle())) {
    auto colon = server.rfind(':');
    socket_.connect(
        {asio::ip::make_address(server.substr(0, colon)), static_cast<uint16_t>(std::stoi(server.substr(colon + 1)))});
    socket_.set_option(asio::ip::tcp::no_delay{true});
    SSL_set_fd(ssl_.get(), socket_.native_handle());
    if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("no TLS connection to " + server);
  }
  void send(std::string_view method, const std::string& target, const std::string& body = {},
            const char* type = "application/json") {
    auto text = std::string{method} + " " + target + " HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n";
    if (!body.empty())
      text += std::string{"Content-Type: "} + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n" + body;
    if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0)
      throw std::runtime_error("the connection broke");
  }
  /// Asks and reads the whole answer, which must be a success; returns the size of its body.
  size_t call(std::string_view method, const std::string& target, const std::string& body = {},
              const char* type = "application/json") {
    send(method, target, body, type);
    seen_.clear();
    while (seen_.find("\r\n\r\n") == std::string::npos) read();
    auto head = seen_.find("\r\n\r\n") + 4;
    if (seen_.compare(9, 1, "2") != 0)
      throw std::runtime_error(std::string{method} + " " + target + ": " + seen_.substr(0, 2000));
    auto at = seen_.find("Content-Length: ");
    size_t size = 0;
    std::from_chars(seen_.data() + at + 16, seen_.data() + head, size);
    for (auto have = seen_.size() - head; have < size;) {
      auto before = seen_.size();
      read();
      have += seen_.size() - before;
      seen_.resize(before);  // counted, not kept: 20 MB of a list are not this process's to hold
    }
    return size;
  }
  int descriptor() { return socket_.native_handle(); }
  /// Reads what has come and returns how many line ends stood in it.
  size_t lines() {
    seen_.clear();
    size_t n = 0;
    do {
      read();
    } while (SSL_pending(ssl_.get()) > 0);
    for (char c : seen_) n += c == '\n' ? 1 : 0;
    return n;
  }
  const std::string& seen() const { return seen_; }

private:
  void read() {
    char buffer[64 * 1024];
    auto n = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    if (n <= 0) throw std::runtime_error("the connection broke");
    seen_.append(buffer, static_cast<size_t>(n));
  }
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  struct free_ssl {
    void operator()(SSL* x) const { SSL_free(x); }
  };
  /// OpenSSL on the socket itself: nothing is buffered where poll() does not see it.
  std::unique_ptr<SSL, free_ssl> ssl_;
  std::string seen_;
};

std::string pod(int i) {
  // The scheduler leaves it alone; stored, with its defaults, it is 4 KB.
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-)" + std::to_string(i) +
         R"(","labels":{"app":"bench"},"annotations":{"bench/filler":")" + std::string(3'150, 'x') +
         R"("}},"spec":{"schedulerName":"bench","containers":[{"name":"main","image":"bench:1","ports":[{"containerPort":80}]}]}})";
}

class bench {
public:
  bench() : cluster_(false), tls_(asio::ssl::context::tls_client) {
    cluster_.start_cloud();
    auto pki = cluster_.pki_folder();
    tls_.load_verify_file(pki + "ca.crt");
    tls_.set_verify_mode(asio::ssl::verify_peer);
    SSL_CTX_set_mode(tls_.native_handle(), SSL_MODE_AUTO_RETRY);
    tls_.use_certificate_chain_file(pki + "admin.crt");
    tls_.use_private_key_file(pki + "admin.key", asio::ssl::context::pem);
  }

  figures run() {
    figures out;
    out.push_back({"create of a 4 KB pod, CPU of the server", creates(), "us", 120, aim::at_most});
    std::this_thread::sleep_for(std::chrono::seconds{2});  // what follows the creates is theirs, not the next one's
    out.push_back({"RSS of the cloud with 5,000 pods of 4 KB",
                   static_cast<double>(memory_of(cluster_.cloud_pid()).rss) / 1e6, "MB", 90, aim::at_most});
    client c{tls_, cluster_.server()};
    size_t size = c.call("GET", collection + "/pod-7");
    auto get = per(gets, [&](int i) { c.call("GET", collection + "/pod-" + std::to_string(i % pods)); });
    out.push_back({"size of a pod", static_cast<double>(size), "byte", {}, aim::at_most});
    out.push_back({"GET of a 4 KB pod, CPU of the server", get, "us", 25, aim::at_most});
    size_t bytes = 0;
    auto list = per(lists, [&](int) { bytes = c.call("GET", collection); });
    out.push_back({"size of the LIST of 5,000 pods", static_cast<double>(bytes) / 1e6, "MB", {}, aim::at_most});
    out.push_back({"LIST of 5,000 pods of 4 KB, CPU of the server", list / 1'000, "ms", 25, aim::at_most});
    watch(c, out);
    return out;
  }

private:
  /// Waits until the server has done what earlier calls left to do in the background (tables of the store, expiry).
  void settle() {
    constexpr uint64_t quiet_us = 2'000;
    for (auto end = now_ms() + 10'000; now_ms() < end;) {
      auto before = cpu_us_of(cluster_.cloud_pid());
      std::this_thread::sleep_for(std::chrono::milliseconds{500});
      if (cpu_us_of(cluster_.cloud_pid()) - before < quiet_us) return;
    }
  }

  /// CPU microseconds of the server for each of `n` calls.
  template <class F>
  double per(int n, F&& f) {
    settle();
    auto before = cpu_us_of(cluster_.cloud_pid());
    for (int i = 0; i < n; ++i) f(i);
    return static_cast<double>(cpu_us_of(cluster_.cloud_pid()) - before) / n;
  }

  double creates() {
    std::atomic<int> next{0};
    std::vector<std::string> failures(writers);
    auto before = cpu_us_of(cluster_.cloud_pid());
    std::vector<std::thread> threads;
    for (int t = 0; t < writers; ++t)
      threads.emplace_back([&, t] {
        try {
          client c{tls_, cluster_.server()};
          for (int i; (i = next++) < pods;) c.call("POST", collection, pod(i));
        } catch (const std::exception& e) {
          failures[static_cast<size_t>(t)] = e.what();
        }
      });
    for (auto& t : threads) t.join();
    for (const auto& f : failures)
      if (!f.empty()) throw std::runtime_error(f);
    return static_cast<double>(cpu_us_of(cluster_.cloud_pid()) - before) / pods;
  }

  void update(client& c, int i) {
    c.call("PATCH", collection + "/pod-1", R"({"metadata":{"labels":{"n":")" + std::to_string(i) + "\"}}}",
           "application/merge-patch+json");
  }

  void watch(client& writer, figures& out) {
    auto alone = per(updates, [&](int i) { update(writer, i); });
    std::vector<std::unique_ptr<client>> all;
    for (int i = 0; i < watchers; ++i) {
      all.push_back(std::make_unique<client>(tls_, cluster_.server()));
      all.back()->send("GET", collection + "?watch=1&fieldSelector=metadata.name%3Dpod-1");
      while (all.back()->lines() == 0 || all.back()->seen().find("ADDED") == std::string::npos) {
      }
    }
    std::atomic<size_t> events{0};
    std::atomic<bool> stop{false};
    std::thread reader{[&] { drain(all, events, stop); }};
    auto began = now_ms();
    auto before = cpu_us_of(cluster_.cloud_pid());
    for (int i = 0; i < updates; ++i) update(writer, updates + i);
    while (events < static_cast<size_t>(updates) * watchers && now_ms() < began + 60'000)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    auto spent = static_cast<double>(cpu_us_of(cluster_.cloud_pid()) - before) - alone * updates;
    stop = true;
    reader.join();
    if (events < static_cast<size_t>(updates) * watchers) throw std::runtime_error("events were lost");
    out.push_back({"PATCH of a 4 KB pod, CPU of the server", alone, "us", {}, aim::at_most});
    out.push_back({"watch event of a 4 KB pod to one of 100 watchers, CPU of the server", spent / (updates * watchers),
                   "us", 6, aim::at_most});
  }

  /// Reads all watches and counts their events: each ends a line of its own, among lines that chunks begin and end
  /// with.
  static void drain(std::vector<std::unique_ptr<client>>& all, std::atomic<size_t>& events,
                    const std::atomic<bool>& stop) {
    constexpr std::string_view mark = "{\"type\":\"MODIFIED\"";
    std::vector<pollfd> waiting;
    std::vector<std::string> left(all.size());  // what may be the first half of a mark
    for (auto& c : all) waiting.push_back({c->descriptor(), POLLIN, 0});
    while (!stop) {
      if (::poll(waiting.data(), waiting.size(), 50) <= 0) continue;
      for (size_t i = 0; i < all.size(); ++i) {
        if ((waiting[i].revents & POLLIN) == 0) continue;
        all[i]->lines();
        auto text = left[i] + all[i]->seen();
        size_t n = 0;
        for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += mark.size()) ++n;
        left[i] = text.substr(text.size() - std::min(text.size(), mark.size() - 1));
        events += n;
      }
    }
  }

  cluster cluster_;
  asio::ssl::context tls_;
};

}  // namespace

figures bench_api() { return bench{}.run(); }

}  // namespace skerry::bench
