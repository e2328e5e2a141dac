#include "tools/skerry/repl/joined.hpp"

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/make_actor.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <future>

#include "actors/link/framing.hpp"
#include "actors/link/link_end.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/mesh_actor.hpp"
#include "drivers/admin/local_connection.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/log/stream_log.hpp"
#include "drivers/random/system_random.hpp"
#include "schema/error.hpp"
#include "schema/path.hpp"
#include "sim/ports/memory_kv.hpp"
#include "tools/skerry/repl/mailbox.hpp"

namespace skerry::tools::repl {
namespace {

constexpr uint32_t protocol = 1;
constexpr auto greeting_max = std::chrono::seconds{10};
constexpr auto goodbye_max = std::chrono::seconds{2};
constexpr auto settled_max = std::chrono::seconds{10};
constexpr int64_t look_again_ms = 20;

using steady = std::chrono::steady_clock;

caf::actor_system_config quiet_config() {
  caf::actor_system_config c;
  c.set("scheduler.policy", caf::atom("sharing"));
  c.set("scheduler.max-threads", size_t{1});
  return c;
}

}  // namespace

/// In the order in which it is built; taken down the other way round.
struct joined::parts {
  class line;
  parts(terminal& t, const vocabulary& w, std::string s)
      : tty(t), words(w), socket(std::move(s)), log(clock, ports::severity::error), ctx{clock, random, log} {
    box = caf::make_actor<mailbox, caf::strong_actor_ptr>(sys->next_actor_id(), sys->node(), sys.get(), box_config);
    directory.put(island + "/client", caf::actor_cast<caf::actor>(box));
  }
  ~parts();
  mailbox& mine() { return *static_cast<mailbox*>(caf::actor_cast<caf::abstract_actor*>(box)); }
  caf::error connect();
  caf::error rejoin();
  std::shared_ptr<link::link_end> enter(const std::string& neighbour, const ports::connection_ptr& c);

  terminal& tty;
  const vocabulary& words;
  std::string socket;
  std::string island = "/repl/" + std::to_string(::getpid());
  std::string home;  ///< set before the first greeting is told
  drivers::system_clock clock;
  drivers::system_random random;
  drivers::stream_log log;
  context ctx;
  base::directory directory;
  sim::memory_kv journal;  ///< of durable letters: as long as this process
  caf::actor_system_config config = quiet_config();
  std::unique_ptr<caf::actor_system> sys = std::make_unique<caf::actor_system>(config);
  caf::actor_config box_config;
  caf::strong_actor_ptr box;
  std::unique_ptr<link::mesh> mesh;
  caf::actor worker;
  net::io_loop loop{1};
  drivers::admin::local_transport transport{loop};
  std::shared_ptr<line> now;
  bool told_gone = false;  ///< that `now` is over
  std::string news;
};

/// One connection. Its handlers keep it alive and run on the connection's thread.
class joined::parts::line : public std::enable_shared_from_this<line> {
public:
  line(parts& p, ports::connection_ptr c) : parts_(p), connection_(std::move(c)) {}

  /// Starts and greets; the future gives how that went.
  std::future<caf::error> start() {
    auto result = greeted_.get_future();
    auto self = shared_from_this();
    connection_->start({[self](ports::bytes data) { self->on_bytes(data); },
                        [self](const caf::error&) { self->on_end(); },
                        [self] {
                          if (self->end_) self->end_->on_drained();
                        }});
    connection_->send(link::encode_with([&](schema::Frame::Builder b) {
      auto h = b.initHello();
      h.setProtocol(protocol);
      h.setVersion(SKERRY_VERSION);
      h.setIsland(parts_.island);
    }));
    return result;
  }
  bool over() const { return over_; }
  /// Closes once all is sent; waits for that.
  void close() {
    connection_->close();
    ended_.get_future().wait_for(goodbye_max);
  }

private:
  void on_bytes(const ports::bytes& data) {
    std::vector<link::frame> frames;
    auto broken = reader_.feed(data, frames);
    for (const auto& f : frames)
      if (!broken && !over_) broken = on_frame(f);
    if (broken) tell(broken), connection_->close();
  }

  caf::error on_frame(const link::frame& f) {
    try {
      auto r = *f;
      if (r.isGoodbye()) {
        auto why = r.getGoodbye().getMessage();
        auto code =
            static_cast<errc>(std::min<uint16_t>(r.getGoodbye().getCode(), static_cast<uint16_t>(errc::internal)));
        return make_error(code == errc::none ? errc::unavailable : code, std::string{why.begin(), why.size()});
      }
      if (r.isPing()) connection_->send(link::encode_with([&](schema::Frame::Builder b) { b.setPong(r.getPing()); }));
      if (!link::link_end::takes(f)) return {};
      if (!end_ && !r.isMesh()) return make_error(errc::invalid, "letters before `mesh`");
      if (!end_) {
        auto name = r.getMesh().getIsland();
        end_ = parts_.enter({name.begin(), name.size()}, connection_);
        if (!end_) return make_error(errc::conflict, "another island listens on this socket now: start again");
      }
      auto e = end_->on_frame(f);
      if (!e && r.isMesh()) tell({});
      return e;
    } catch (const kj::Exception& e) {
      return make_error(errc::corrupt, std::string{"a frame does not parse: "} + e.getDescription().cStr());
    }
  }

  void on_end() {
    over_ = true;
    if (end_) end_->close();
    tell(make_error(errc::unavailable, "the connection was closed"));
    parts_.mine().wake();
    ended_.set_value();
  }

  void tell(caf::error e) {
    if (!std::exchange(told_, true)) greeted_.set_value(std::move(e));
  }

  parts& parts_;
  ports::connection_ptr connection_;
  link::frame_reader reader_;
  std::shared_ptr<link::link_end> end_;
  std::promise<caf::error> greeted_;
  std::promise<void> ended_;
  bool told_ = false;  // on the connection's thread
  std::atomic<bool> over_{false};
};

joined::parts::~parts() {
  if (now) now->close();
  loop.stop();
  now.reset();
  if (mesh) mesh->stop();
  if (worker) {
    directory.erase(island + "/mesh", worker.id());
    caf::anon_send_exit(std::exchange(worker, nullptr), caf::exit_reason::kill);
  }
  directory.erase(island + "/client", box->id());
  box = nullptr;
  sys.reset();  // waits for the worker, which uses the mesh
}

/// Connects, or connects again after the other side went away.
caf::error joined::parts::connect() {
  auto promise = std::make_shared<std::promise<caf::expected<ports::connection_ptr>>>();
  auto answer = promise->get_future();
  transport.connect(socket, {}, 1000, [promise](auto r) { promise->set_value(std::move(r)); });
  auto c = answer.get();
  if (!c) return std::move(c.error());
  now = std::make_shared<line>(*this, std::move(*c));
  told_gone = false;
  auto greeted = now->start();
  if (greeted.wait_for(greeting_max) != std::future_status::ready)
    return make_error(errc::timed_out,
                      "whoever listens on " + socket + " does not greet; is it a skerry of this version?");
  return greeted.get();
}

/// Connects again if the other side went away, and says so.
caf::error joined::parts::rejoin() {
  if (!now->over()) return {};
  if (auto e = connect()) {
    told_gone = true;
    return make_error(code_of(e), home + " no longer runs, or not yet again: " + message_of(e));
  }
  news = "joined " + home + " again, which had gone away";
  return {};
}

/// The mesh is made once it is known who is at the other end. On the connection's thread; null if that has changed.
std::shared_ptr<link::link_end> joined::parts::enter(const std::string& neighbour, const ports::connection_ptr& c) {
  if (!mesh) {
    home = neighbour;
    link::mesh_args args{*sys, ctx, directory, words, island, home};
    args.kv = &journal;
    mesh = std::make_unique<link::mesh>(std::move(args));
    if (auto e = mesh->load()) log.error(island, message_of(e));
    worker = sys->spawn(link::mesh_actor, link::mesh_actor_args{ctx, *mesh, island + "/mesh", {}});
    directory.put(island + "/mesh", worker);
  }
  if (neighbour != home) return {};
  auto end = mesh->open(neighbour, c);
  return end ? *end : nullptr;
}

joined::joined(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
joined::~joined() = default;

caf::expected<std::unique_ptr<joined>> joined::open(terminal& t, const vocabulary& words, const std::string& socket) {
  auto p = std::make_unique<parts>(t, words, socket);
  if (auto e = p->connect()) return e;
  return std::unique_ptr<joined>{new joined(std::move(p))};
}

const std::string& joined::home() const { return parts_->home; }
int joined::wake_fd() const { return parts_->mine().fd(); }

std::vector<letter<schema::Traced>> joined::take_traced() {
  parts_->mine().settle();
  return parts_->mine().take_traced();
}

std::string joined::news() {
  auto& p = *parts_;
  p.mine().settle();
  if (auto text = std::exchange(p.news, {}); !text.empty()) return text;
  if (!p.now->over() || std::exchange(p.told_gone, true)) return {};
  return p.home + " went away; the next command joins it again, if it is back";
}

caf::expected<caf::message> joined::ask(const std::string& path, caf::message what, uint32_t deadline_ms) {
  auto& p = *parts_;
  if (auto e = p.rejoin()) return e;
  auto to = p.mesh->resolve(path);
  if (!to) return std::move(to.error());
  auto& box = p.mine();
  auto id = box.expect();
  caf::actor_cast<caf::abstract_actor*>(*to)->enqueue(caf::make_mailbox_element(p.box, id, {}, std::move(what)),
                                                      nullptr);
  auto end = steady::now() + std::chrono::milliseconds{deadline_ms};
  for (;;) {
    box.settle();
    caf::message answer;
    if (box.take(id, answer)) {
      if (answer.match_elements<caf::error>()) return answer.get_as<caf::error>(0);
      return answer;
    }
    if (p.now->over()) {
      box.forget(id);
      p.told_gone = true;
      return make_error(errc::unavailable, p.home + " went away while it was asked; try again");
    }
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady::now()).count();
    auto e = left <= 0 ? event::timeout : p.tty.wait(left, box.fd(), false);
    if (e == event::wake || e == event::resize) continue;
    box.forget(id);
    if (e == event::timeout)
      return make_error(errc::timed_out, path + " did not answer within " + std::to_string(deadline_ms) + " ms");
    return make_error(errc::cancelled, "interrupted");
  }
}

caf::error joined::send(const std::string& path, caf::message what) {
  auto& p = *parts_;
  if (auto e = p.rejoin()) return e;
  auto to = p.mesh->resolve(path);
  if (!to) return std::move(to.error());
  const auto* type = p.words.of(what.content());
  caf::actor_cast<caf::abstract_actor*>(*to)->enqueue(
      caf::make_mailbox_element(p.box, caf::make_message_id(), {}, std::move(what)), nullptr);
  if (type == nullptr || type->delivery().how == delivery::kind::fleeting) return {};
  // It is kept here until it has arrived: this process must not end before that.
  auto end = steady::now() + settled_max;
  for (;;) {
    uint64_t waiting = 0;
    for (const auto& l : p.mesh->links()) waiting += l.durable_waiting + l.latest_waiting;
    if (waiting == 0) return {};
    auto e = p.tty.wait(look_again_ms, -1, false);
    if (e == event::interrupt || e == event::end) return make_error(errc::cancelled, "interrupted");
    if (steady::now() > end)
      return make_error(errc::timed_out, "it has not arrived within " + std::to_string(settled_max.count()) +
                                             " s; it is sent as long as this REPL runs");
  }
}

}  // namespace skerry::tools::repl
