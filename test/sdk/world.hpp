#pragma once
#include <caf/stateful_actor.hpp>
#include <future>

#include "actors/api/objects.hpp"
#include "actors/sdk/objects.hpp"
#include "actors/sdk/timer.hpp"
#include "test/api/world.hpp"

namespace skerry::test {

/// An actor of a test: what it is made of is kept in its state, as a controller would.
struct box {
  std::vector<std::shared_ptr<void>> parts;
  caf::message_handler handlers;
};
using boxed = base::stateful<box>;

/// The API's world with the door for actors.
class sdk_world : public api_world {
public:
  explicit sdk_world(store::history_options history = {}) : api_world(history) {
    directory.put("/cloud/api/feeds",
                  feeds = system.spawn(supervisors::pool, supervisors::pool_args{services, "/cloud/api/feeds"}));
    api::objects_args args{parts, front, "/cloud/api/objects", directory.finder("/cloud/api/feeds"),
                           [this](const caf::strong_actor_ptr&) { return identity; }};
    directory.put("/cloud/api/objects", door = system.spawn(api::objects, args));
  }
  ~sdk_world() {
    for (auto& a : actors_) stop(a);
    stop(door);
    stop(feeds);
  }

  sdk::resolver resolver() {
    return [this](std::string_view path) { return directory.find(path); };
  }
  /// Runs `make` as the start of an actor with the SDK's handlers.
  caf::actor spawn(std::function<void(boxed*)> make) {
    auto a = system.spawn([make](boxed* self) -> caf::behavior {
      make(self);
      return sdk::with_wakes(self->state.handlers);
    });
    actors_.push_back(a);
    return a;
  }
  /// Ends an actor of `spawn` and waits for that.
  void end(caf::actor a) {
    std::erase(actors_, a);
    stop(a);
  }
  /// What `ask` is told: the result that its callback is called with.
  template <class T>
  T ask(std::function<void(const sdk::objects&, std::function<void(T)>)> f) {
    auto promise = std::make_shared<std::promise<T>>();
    auto answer = promise->get_future();
    auto a = spawn([&, promise](boxed* self) {
      auto o = std::make_shared<sdk::objects>(self, resolver());
      self->state.parts.push_back(o);
      f(*o, [promise](T x) { promise->set_value(std::move(x)); });
    });
    BOOST_REQUIRE((answer.wait_for(std::chrono::seconds{30}) == std::future_status::ready));
    auto x = answer.get();
    end(a);
    return x;
  }
  using one = caf::expected<sdk::object>;
  one get(const sdk::key& k) {
    return ask<one>([&](auto& o, auto done) { o.get(k, done); });
  }
  one create(const char* resource, const std::string& text) {
    std::string error;
    auto v = parse_json(text, error);
    BOOST_REQUIRE(error == "");
    return ask<one>([&](auto& o, auto done) { o.create(resource, v, done); });
  }
  one update(const sdk::key& k, const json::value& v) {
    return ask<one>([&](auto& o, auto done) { o.update(k, v, done); });
  }
  caf::error remove(const sdk::key& k, sdk::delete_options how = {}) {
    return ask<caf::error>([&](auto& o, auto done) { o.remove(k, how, done); });
  }
  static std::string map_of(const std::string& name, const std::string& value, const std::string& labels = "{}") {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"default","name":")" + name +
           R"(","labels":)" + labels + R"(},"data":{"x":")" + value + "\"}}";
  }

  std::optional<ports::peer_identity> identity = ports::peer_identity{"admin", {"system:masters"}, ""};
  caf::actor door, feeds;

private:
  std::vector<caf::actor> actors_;
};

/// Waits until `holds()`; fails the test after 30 s.
template <class F>
void until(const char* what, F&& holds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!holds()) {
    BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, "30 s passed until " << what);
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

}  // namespace skerry::test
