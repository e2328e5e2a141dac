#include "actors/link/join.hpp"

#include <algorithm>
#include <mutex>

#include "actors/link/framing.hpp"
#include "actors/link/tokens.hpp"

namespace skerry::link {
namespace {

std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

/// One try. Lives as long as its connection's handlers.
class joining : public std::enable_shared_from_this<joining> {
public:
  using answer = std::function<void(caf::expected<ports::client_credentials>)>;
  joining(ports::pki& pki, join_request request, full_token token, answer done)
      : pki_(pki), request_(std::move(request)), token_(std::move(token)), done_(std::move(done)) {}

  void run(ports::transport& transport) {
    auto made = pki_.make_request(request_.controller.empty() ? names_of_node(request_.node)
                                                              : names_of_controller(request_.controller));
    if (!made) return finish(std::move(made.error()));
    own_ = std::move(*made);
    transport.connect(request_.address, {{}, token_.ca_pin, {}, {}}, limits::connect_ms_max,
                      [self = shared_from_this()](caf::expected<ports::connection_ptr> c) {
                        if (!c) return self->finish(std::move(c.error()));
                        self->ask(std::move(*c));
                      });
  }

private:
  void ask(ports::connection_ptr connection) {
    ports::connection::handlers h;
    h.on_bytes = [self = shared_from_this()](ports::bytes b) { self->on_bytes(b); };
    h.on_end = [self = shared_from_this()](const caf::error& e) {
      self->finish(
          e ? e
            : make_error(errc::unavailable, "the cloud closed the connection before it answered; look into its log"));
    };
    connection_ = std::move(connection);
    auto data = encode_with([&](schema::Frame::Builder b) {
      auto j = b.initJoin();
      j.setToken(format_token(token_.what));
      j.setNodeName(request_.controller.empty() ? request_.node
                                                : std::string{controller_islands} + request_.controller);
      j.setCsrPem(own_.certificate_pem);
    });
    connection_->send(std::move(data));
    connection_->start(std::move(h));
  }

  void on_bytes(const ports::bytes& b) {
    std::vector<frame> frames;
    if (auto e = reader_.feed(b, frames)) return finish(std::move(e));
    for (const auto& f : frames) try {
        on_frame(f);
      } catch (const kj::Exception& e) {
        finish(
            make_error(errc::corrupt, std::string{"the cloud's answer does not parse: "} + e.getDescription().cStr()));
      }
  }

  void on_frame(const frame& f) {
    auto r = *f;
    if (r.isGoodbye()) {
      auto code = static_cast<errc>(r.getGoodbye().getCode());
      if (code == errc::none || code > errc::internal) code = errc::unavailable;
      return finish(make_error(code, text_of(r.getGoodbye().getMessage())));
    }
    if (!r.isJoined()) return;
    auto j = r.getJoined();
    ports::client_credentials out{text_of(j.getCaPem()), {}, text_of(j.getCertificatePem()), own_.key_pem};
    auto pin = pki_.fingerprint(out.ca_pem);
    if (!pin || *pin != token_.ca_pin)
      return finish(make_error(errc::unauthorized,
                               "the cloud sent another authority than the one that the token pins; make a new token"));
    if (auto ends = pki_.expires_ms(out.certificate_pem); !ends) return finish(std::move(ends.error()));
    finish(std::move(out));
  }

  void finish(caf::expected<ports::client_credentials> result) {
    answer done;
    ports::connection_ptr connection;
    {
      std::lock_guard lock{mutex_};
      done = std::exchange(done_, {});
      connection = std::exchange(connection_, {});
    }
    if (connection) connection->close();
    if (!done) return;
    if (result) return done(std::move(result));
    done(make_error(code_of(result.error()), "joining " + request_.address + " as " + request_.node +
                                                 request_.controller + ": " + message_of(result.error())));
  }

  ports::pki& pki_;
  join_request request_;
  full_token token_;
  ports::key_pair own_;
  std::mutex mutex_;
  answer done_;
  ports::connection_ptr connection_;
  frame_reader reader_;
};

}  // namespace

void join(ports::transport& transport, ports::pki& pki, join_request request,
          std::function<void(caf::expected<ports::client_credentials>)> done) {
  auto wrong = request.controller.empty() ? check_node_name(request.node) : check_controller_name(request.controller);
  if (wrong) return done(std::move(wrong));
  auto token = parse_full_token(request.token);
  if (!token) return done(std::move(token.error()));
  std::make_shared<joining>(pki, std::move(request), std::move(*token), std::move(done))->run(transport);
}

namespace {

/// RFC 1123. The certificate's common name (RFC 5280, ub-common-name) holds 64 characters, the prefix included.
bool is_name(std::string_view name, size_t size_max) {
  auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= size_max && alnum(name.front()) && alnum(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return alnum(c) || c == '-' || c == '.'; }) &&
         name.find("..") == name.npos && name.find(".-") == name.npos && name.find("-.") == name.npos;
}

}  // namespace

caf::error check_node_name(std::string_view name) {
  if (is_name(name, 64 - node_user_prefix.size())) return {};
  return make_error(errc::invalid, "node name \"" + std::string{name.substr(0, 260)} +
                                       "\": at most 52 lower case letters, digits, '-' and '.', beginning and ending "
                                       "with a letter or digit (RFC 1123); "
                                       "give another with --node");
}

caf::error check_controller_name(std::string_view name) {
  if (is_name(name, 64 - controller_user_prefix.size())) return {};
  return make_error(errc::invalid, "controller name \"" + std::string{name.substr(0, 260)} +
                                       "\": at most 46 lower case letters, digits, '-' and '.', beginning and ending "
                                       "with a letter or digit (RFC 1123)");
}

ports::certificate_names names_of_node(std::string_view name) {
  return {std::string{node_user_prefix} + std::string{name}, {std::string{node_organization}}, {}, false};
}
ports::certificate_names names_of_controller(std::string_view name) {
  return {std::string{controller_user_prefix} + std::string{name}, {std::string{controller_organization}}, {}, false};
}

namespace {

std::string_view name_of_peer(const ports::peer_identity& peer, std::string_view prefix,
                              std::string_view organization) {
  std::string_view name = peer.common_name;
  if (!name.starts_with(prefix)) return {};
  if (std::find(peer.organizations.begin(), peer.organizations.end(), organization) == peer.organizations.end())
    return {};
  name.remove_prefix(prefix.size());
  return name;
}

}  // namespace

std::string_view node_of_peer(const ports::peer_identity& peer) {
  return name_of_peer(peer, node_user_prefix, node_organization);
}
std::string_view controller_of_peer(const ports::peer_identity& peer) {
  return name_of_peer(peer, controller_user_prefix, controller_organization);
}

}  // namespace skerry::link
