#include "actors/link/admin_door.hpp"

#include <algorithm>

#include "actors/link/framing.hpp"
#include "actors/link/link_end.hpp"
#include "actors/link/wire.hpp"
#include "schema/error.hpp"
#include "schema/path.hpp"

namespace skerry::link {
namespace {
constexpr uint32_t protocol = 1;
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
}  // namespace

/// One connection. Its handlers keep it alive; all of it runs on the connection's thread.
class admin_door::visit : public std::enable_shared_from_this<visit> {
public:
  visit(admin_door& door, ports::connection_ptr c) : door_(door), connection_(std::move(c)) {}

  void start() {
    auto self = shared_from_this();
    connection_->start({[self](ports::bytes data) { self->on_bytes(data); },
                        [self](const caf::error&) { self->on_end(); },
                        [self] {
                          if (self->end_) self->end_->on_drained();
                        }});
  }
  void close() { connection_->close(); }
  const std::string& island() const { return island_; }

private:
  void on_bytes(const ports::bytes& data) {
    std::vector<frame> frames;
    auto broken = reader_.feed(data, frames);
    for (const auto& f : frames) {
      if (over_) return;
      try {
        on_frame(f);
      } catch (const kj::Exception& e) {
        return breach(errc::corrupt, std::string{"a frame does not parse: "} + e.getDescription().cStr());
      }
    }
    if (broken) breach(code_of(broken), message_of(broken));
  }

  void on_frame(const frame& f) {
    auto r = *f;
    if (r.isPing()) return connection_->send(encode_with([&](schema::Frame::Builder b) { b.setPong(r.getPing()); }));
    if (r.isGoodbye()) return close();
    if (r.isHello() && !end_) return on_hello(r.getHello());
    if (!end_) return breach(errc::invalid, "the first frame of a link is hello");
    if (!link_end::takes(f)) return;  // of a later version
    if (auto e = end_->on_frame(f)) breach(code_of(e), message_of(e));
  }

  void on_hello(schema::Hello::Reader h) {
    if (h.getProtocol() != protocol) return breach(errc::unsupported, "use the same version of skerry on both sides");
    island_ = text_of(h.getIsland());
    auto masters = connection_->peer().organizations;
    if (std::find(masters.begin(), masters.end(), "system:masters") == masters.end())
      return breach(errc::forbidden, connection_->peer().common_name + " is no administrator");
    if (paths::check(island_) || paths::kind_of(island_) != paths::island_kind::repl ||
        paths::island_of(island_) != island_)
      return breach(errc::invalid, "'" + island_ + "' is not the path of a REPL, /repl/<id>");
    if (!door_.enter(shared_from_this(), island_))
      return breach(errc::already_exists, island_ + " is joined already, by another process");
    connection_->send(encode_with([&](schema::Frame::Builder b) { b.initWelcome(); }));
    auto opened = door_.links_.open(island_, connection_);
    if (!opened) return breach(code_of(opened.error()), message_of(opened.error()));
    end_ = *opened;
    door_.ctx_.log.info(door_.links_.island(), island_ + " joined by the " + connection_->peer().address);
  }

  void breach(errc code, const std::string& why) {
    over_ = true;
    door_.refuse(*connection_, code, why);
  }

  void on_end() {
    over_ = true;
    if (end_) end_->close();
    door_.leave(this);
  }

  admin_door& door_;
  ports::connection_ptr connection_;
  frame_reader reader_;
  std::shared_ptr<link_end> end_;
  std::string island_;
  bool over_ = false;
};

admin_door::~admin_door() {
  std::lock_guard lock{mutex_};
  for (auto& [island, v] : visits_)
    if (auto alive = v.lock()) alive->close();
}

void admin_door::on_link(ports::connection_ptr connection) {
  std::make_shared<visit>(*this, std::move(connection))->start();
}

void admin_door::refuse(ports::connection& c, errc code, const std::string& why) {
  ctx_.log.info(links_.island(), "link from the " + c.peer().address + " ends: " + why);
  c.send(encode(goodbye_frame(code, why, 0)));
  c.close();
}

bool admin_door::enter(const std::shared_ptr<visit>& v, const std::string& island) {
  std::lock_guard lock{mutex_};
  return visits_.emplace(island, v).second;
}

void admin_door::leave(const visit* v) {
  {
    std::lock_guard lock{mutex_};
    auto i = visits_.find(v->island());
    if (i == visits_.end() || i->second.lock().get() != v) return;
    visits_.erase(i);
  }
  links_.forget(v->island());
}

}  // namespace skerry::link
