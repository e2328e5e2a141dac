#include "actors/link/join_session.hpp"

#include "actors/link/hub.hpp"
#include "actors/link/join.hpp"
#include "actors/link/tokens.hpp"

namespace skerry::link {
namespace {
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
}  // namespace

caf::behavior join_session(base::stateful<join_session_state>* self, join_session_args args) {
  return self->state.make(std::move(args));
}

caf::behavior join_session_state::make(join_session_args args) {
  args_ = std::make_unique<join_session_args>(std::move(args));
  base::prepare(self_, args_->parts.ctx, args_->path);
  wire_ = wire{std::move(args_->connection), caf::actor_cast<caf::actor>(self_), 0};
  self_->delayed_send(self_, std::chrono::milliseconds(args_->parts.times.connect_ms), join_deadline{});
  return {
      [this](const wire_frames& m) {
        std::vector<frame> frames;
        if (auto e = wire_.take(m, frames)) return refuse(e);
        if (frames.empty() || std::exchange(asked_, true)) return;
        try {
          auto f = *frames.front();
          if (f.isJoin()) return on_join(f.getJoin());
        } catch (const kj::Exception& e) {
          return refuse(errc::corrupt, std::string{"the frame does not parse: "} + e.getDescription().cStr());
        }
        refuse(errc::unauthorized,
               "a connection without a node's certificate may only join; use `skerry edge --token`");
      },
      [this](const wire_end&) { self_->quit(); },
      [this](const join_deadline&) { refuse(errc::timed_out, "no complete join request came in time"); },
  };
}

void join_session_state::on_join(schema::Join::Reader j) {
  auto node = text_of(j.getNodeName());
  std::string controller;
  if (node.starts_with(controller_islands)) controller = std::exchange(node, {}).substr(controller_islands.size());
  auto csr = text_of(j.getCsrPem());
  if (auto e = controller.empty() ? check_node_name(node) : check_controller_name(controller)) return refuse(e);
  auto token = parse_token(text_of(j.getToken()));
  if (!token) return refuse(token.error());
  auto stored = args_->parts.store.current()->get("secrets", token_namespace, token_secret_name(token->id));
  auto secret = stored ? store::parse(stored) : json::value{};
  auto checked = check_token(secret, *token, args_->parts.ctx.clock.wall_ms());
  if (!checked) return refuse(checked.error());
  if (auto e = check_purpose(secret, node, controller)) return refuse(e);
  if (!controller.empty()) return sign("controller " + controller, names_of_controller(controller), csr);
  self_->request(args_->hub, std::chrono::seconds(5), is_connected{node})
      .then(
          [this, node, csr](bool connected) {
            if (connected)
              return refuse(errc::already_exists,
                            "node " + node + " is connected from elsewhere; stop it, or give another name with --node");
            sign("node " + node, names_of_node(node), csr);
          },
          [this](const caf::error& e) { refuse(errc::unavailable, "not ready: " + message_of(e)); });
}

/// A token for a controller lets that one join and nothing else; one for nodes lets no controller join.
caf::error join_session_state::check_purpose(const json::value& secret, const std::string& node,
                                             const std::string& controller) const {
  auto info = read_token_secret(secret);
  if (!info || info->controller == controller) return {};
  if (info->controller.empty())
    return make_error(
        errc::unauthorized,
        "token " + info->id + " is for nodes; make one with `skerry token create --controller " + controller + "`");
  return make_error(errc::unauthorized, "token " + info->id + " is for the controller " + info->controller +
                                            ", not for " + (controller.empty() ? "node " + node : controller));
}

void join_session_state::sign(const std::string& who, const ports::certificate_names& names, const std::string& csr) {
  auto certificate = args_->parts.pki.sign_request(args_->parts.authority, csr, names, args_->parts.certificate_days);
  if (!certificate) return refuse(certificate.error());
  wire_.send_with([&](schema::Frame::Builder b) {
    auto out = b.initJoined();
    out.setCertificatePem(*certificate);
    out.setCaPem(args_->parts.authority.certificate_pem);
  });
  args_->parts.ctx.log.info(args_->path, who + " joined from " + wire_.peer().address);
  wire_.close();
}

void join_session_state::refuse(const caf::error& why) {
  args_->parts.ctx.log.warning(args_->path, "join from " + wire_.peer().address + " refused: " + message_of(why));
  auto code = code_of(why);
  wire_.goodbye(code == errc::internal ? errc::unavailable : code, message_of(why));
  self_->quit();
}

}  // namespace skerry::link
