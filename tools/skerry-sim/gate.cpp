#include "tools/skerry-sim/gate.hpp"

#include <chrono>

namespace skerry::tools {
namespace {

void refuse(ports::http_exchange& e, int status, const char* reason, const std::string& why) {
  auto body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" + why +
              R"(","reason":")" + reason + R"(","code":)" + std::to_string(status) + "}\n";
  e.respond(status, "application/json", {std::move(body)}, {{"Retry-After", "1"}});
}

}  // namespace

/// An exchange as the world sees it. What the world is to be told when the client goes away stays with the world: the
/// server's threads only leave a note.
class gate::passage final : public ports::http_exchange {
public:
  passage(ports::http_exchange_ptr to, std::shared_ptr<shared> s, std::weak_ptr<listeners> l, uint64_t id)
      : to_(std::move(to)), shared_(std::move(s)), streams_(std::move(l)), id_(id) {}

  const ports::http_request& request() const override { return to_->request(); }
  void respond(int status, std::string_view type, ports::http_body body,
               std::vector<std::pair<std::string, std::string>> headers) override {
    to_->respond(status, type, std::move(body), std::move(headers));
  }
  void start_stream(int status, std::string_view type, std::function<void()> on_closed) override {
    if (auto all = streams_.lock(); all && on_closed) all->emplace(id_, std::move(on_closed));
    to_->start_stream(status, type, [s = std::weak_ptr{shared_}, id = id_] {
      auto here = s.lock();
      if (!here) return;
      std::lock_guard lock{here->mutex};
      here->gone.push_back(id);
      here->arrived.notify_all();
    });
  }
  bool write(ports::http_body pieces) override { return to_->write(std::move(pieces)); }
  void end_stream() override { to_->end_stream(); }

private:
  ports::http_exchange_ptr to_;
  std::shared_ptr<shared> shared_;
  std::weak_ptr<listeners> streams_;
  uint64_t id_;
};

void gate::serve(ports::http_exchange_ptr exchange) {
  bool closed = false;
  {
    std::lock_guard lock{shared_->mutex};
    closed = shared_->closed;
    if (!closed && shared_->requests.size() < requests_max) {
      shared_->requests.push_back(std::move(exchange));
      shared_->arrived.notify_all();
      return;
    }
  }
  if (closed)
    refuse(*exchange, 503, "ServiceUnavailable", "the simulated cloud ends");
  else
    refuse(*exchange, 429, "TooManyRequests", "the simulated cloud is busy; try again, or a lower --speed");
}

void gate::close() {
  std::deque<ports::http_exchange_ptr> left;
  {
    std::lock_guard lock{shared_->mutex};
    shared_->closed = true;
    left.swap(shared_->requests);
    shared_->arrived.notify_all();
  }
  for (auto& e : left) refuse(*e, 503, "ServiceUnavailable", "the simulated cloud ends");
}

void gate::wait(int64_t ms_max) {
  std::unique_lock lock{shared_->mutex};
  shared_->arrived.wait_for(lock, std::chrono::milliseconds{ms_max},
                            [this] { return shared_->closed || !shared_->requests.empty() || !shared_->gone.empty(); });
}

bool gate::deliver(ports::http_service& to) {
  std::deque<ports::http_exchange_ptr> requests;
  std::deque<uint64_t> gone;
  {
    std::lock_guard lock{shared_->mutex};
    requests.swap(shared_->requests);
    gone.swap(shared_->gone);
  }
  for (auto id : gone) {
    auto told = streams_->extract(id);
    if (told) told.mapped()();
  }
  for (auto& e : requests) to.serve(std::make_shared<passage>(std::move(e), shared_, streams_, ++next_));
  return !requests.empty() || !gone.empty();
}

void gate::forget() { streams_->clear(); }

}  // namespace skerry::tools
