#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "actors/link/framing.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/proxy.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::link {

class peer;
class mesh_core;
using peer_ptr = caf::intrusive_ptr<peer>;

/// One connection as the mesh uses it: cuts what comes into letters and puts them into mailboxes, on the driver's
/// thread. Its owner (a session, link_client, island_link) hands it frames in order, one at a time, and closes it.
class link_end final : public mailbox_account, public std::enable_shared_from_this<link_end> {
public:
  link_end(mesh_core& core, peer_ptr over, ports::connection_ptr connection);
  ~link_end() override;

  /// A frame whose union is mesh, letters or settled. An error ends the session: errc::corrupt, errc::forbidden,
  /// errc::unsupported; single letters that do not check are counted and answered, and the link stays.
  caf::error on_frame(const frame& f);
  /// The connection can take more.
  void on_drained();
  /// No more of it is used: the link is suspended, unless a newer connection carries it. Callable from any thread.
  void close();

  void send(ports::bytes data) { connection_->send(std::move(data)); }
  size_t queued() const { return connection_->queued(); }
  /// Bytes of letters that mailboxes have let go.
  uint64_t released() const { return released_; }
  void add_figures(link_figures& f) const;

  // -- mailbox_account --
  void released(size_t bytes) noexcept override;

  /// Is it a frame of the mesh? Others are the session's. Throws kj::Exception as readers do.
  static bool takes(const frame& f);

private:
  struct name {
    std::string path;
    bool local = false;                 ///< of this island
    bool reachable = false;             ///< the other side may send there
    bool genuine = false;               ///< the other side may speak for it
    bool repl = false;                  ///< of a REPL
    uint32_t stream = 0;                ///< of durable letters, in facts_in
    uint64_t version = 0;               ///< of the directory when `who` was looked up; forgotten() of `who_relayed`
    caf::weak_actor_ptr who;            ///< local: who stood there
    caf::strong_actor_ptr as;           ///< a proxy that stands for it as a sender
    caf::strong_actor_ptr who_relayed;  ///< a proxy: of another island, to which it is relayed
  };
  caf::error on_mesh(schema::Mesh::Reader m);
  caf::error on_letters(schema::Letters::Reader l);
  caf::error define(schema::Letters::Reader l);
  void on_envelope(schema::Envelope::Reader e);
  bool may_pass(schema::Envelope::Reader e, const name& to, std::string_view from) const;
  void on_letter(schema::Envelope::Reader e, name& to, const caf::strong_actor_ptr& from);
  void on_fact(schema::Envelope::Reader e, name& to, const caf::strong_actor_ptr& from);
  void on_answer(schema::Envelope::Reader e, const caf::strong_actor_ptr& from);
  void on_watch(schema::Envelope::Reader e, name& to, const std::string& from);
  void refuse(schema::Envelope::Reader e, errc code, const std::string& why, uint64_t drop_counts::*count);
  caf::strong_actor_ptr target_of(name& n);
  const caf::strong_actor_ptr& sender_of(name& n);

  mesh_core& core_;
  peer_ptr peer_;
  ports::connection_ptr connection_;
  std::atomic<bool> closed_{false};
  bool greeted_ = false;  ///< the other side said `mesh`; driver's thread
  std::string journal_;   ///< of the other side
  std::vector<name> names_;
  const message_type* last_type_ = nullptr;
  std::atomic<uint64_t> released_{0}, told_{0};
  std::atomic<uint64_t> letters_in_{0}, frames_in_{0}, bytes_in_{0};
};

}  // namespace skerry::link
