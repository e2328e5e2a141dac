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
    auto made =
        pki_.make_request({std::string{node_user_prefix} + request_.node, {std::string{node_organization}}, {}, false});
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
      j.setNodeName(request_.node);
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
    done(make_error(code_of(result.error()),
                    "joining " + request_.address + " as " + request_.node + ": " + message_of(result.error())));
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
  if (auto e = check_node_name(request.node)) return done(std::move(e));
  auto token = parse_full_token(request.token);
  if (!token) return done(std::move(token.error()));
  std::make_shared<joining>(pki, std::move(request), std::move(*token), std::move(done))->run(transport);
}

caf::error check_node_name(std::string_view name) {
  auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  auto ok = !name.empty() && name.size() <= 253 && alnum(name.front()) && alnum(name.back()) &&
            std::all_of(name.begin(), name.end(), [&](char c) { return alnum(c) || c == '-' || c == '.'; }) &&
            name.find("..") == name.npos && name.find(".-") == name.npos && name.find("-.") == name.npos;
  // The certificate's common name (RFC 5280, ub-common-name) holds 64 characters, the prefix included.
  if (ok && name.size() <= 64 - node_user_prefix.size()) return {};
  return make_error(errc::invalid, "node name \"" + std::string{name.substr(0, 260)} +
                                       "\": at most 52 lower case letters, digits, '-' and '.', beginning and ending "
                                       "with a letter or digit (RFC 1123); "
                                       "give another with --node");
}

std::string_view node_of_peer(const ports::peer_identity& peer) {
  std::string_view name = peer.common_name;
  if (!name.starts_with(node_user_prefix)) return {};
  if (std::find(peer.organizations.begin(), peer.organizations.end(), node_organization) == peer.organizations.end())
    return {};
  name.remove_prefix(node_user_prefix.size());
  return name;
}

}  // namespace skerry::link
