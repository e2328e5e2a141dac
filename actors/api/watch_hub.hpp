#pragma once
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include "actors/api/watch_start.hpp"
#include "actors/base/actor.hpp"

namespace skerry::api {

/// To the hub, by way of the sessions actor. The exchange is answered in any case.
struct open_watch {
  std::shared_ptr<watch_request> request;
  ports::http_exchange_ptr exchange;
};

/// All live watches of one resource: subscribes once at the store, looks up by name and namespace which watches a
/// change may concern, makes each frame once, and writes it to the exchanges; with no actor's turn for each watch. A
/// watch that begins in the past, or with the objects that are there, comes by way of a `watch_start`; those that begin
/// where the last changes (`recent`) still reach come at once.
///
/// A crash ends its watches (the exchanges end their streams); their clients ask again from where they stood, so that
/// no change is lost or told twice. The pool restarts it, with none. Without watches it is not subscribed, and costs
/// nothing.
class watch_hub_state {
public:
  static inline const char* name = "watch_hub";
  explicit watch_hub_state(base::actor* self) : self_(self) {}
  caf::behavior make(const parts& p, std::string path, const kube::resource_info& info);

private:
  using streams = std::vector<watch_stream*>;
  using place = std::pair<std::string, std::string>;  ///< namespace and name that a watch wants, each "" for any

  void on_open(const open_watch& m);
  void start(const watch_stream_ptr& s, bool present);
  void adopt(const watch_stream_ptr& s);
  bool subscribe();
  bool reaches(uint64_t revision) const { return subscribed_at_ && revision >= floor_; }
  void on_events(const store::events& e);
  void collect(const store::event& e, const place& at, std::shared_ptr<const std::string> (&shared)[4]);
  void send_all();
  void remember(const store::events& e);
  void on_tick();
  void tick_later();
  void drop(uint64_t id);
  void end_all(const std::optional<failure>& why);

  base::actor* self_;
  const parts* parts_ = nullptr;
  std::string path_;
  const kube::resource_info* info_ = nullptr;
  std::unordered_map<uint64_t, watch_stream_ptr> watches_;
  std::map<place, streams> by_place_;
  streams touched_;  ///< by the batch in hand
  uint64_t last_id_ = 0;

  caf::actor subscribed_at_;          ///< the store; null: not subscribed
  std::deque<store::events> recent_;  ///< all of this resource after `floor_`, up to `position_`
  size_t recent_events_ = 0;
  uint64_t floor_ = 0, position_ = 0;
  bool ticking_ = false;
};
/// A pointer, for spawn copies its arguments; `p` and `info` outlive the actor.
caf::behavior watch_hub(base::stateful<watch_hub_state>* self, const parts* p, std::string path,
                        const kube::resource_info* info);

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::open_watch)
