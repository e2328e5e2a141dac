#pragma once
#include "actors/api/body.hpp"
#include "actors/api/discovery.hpp"
#include "actors/api/openapi.hpp"
#include "actors/api/parts.hpp"
#include "actors/api/read.hpp"
#include "actors/ports/http.hpp"

namespace skerry::api {

/// The Kubernetes API: authenticates, authorises, routes. Reads are answered on the calling thread from the published
/// view; writes and watches go to the sessions actor. Callable from any number of threads.
class front final : public ports::http_service {
public:
  /// `p` outlives the front.
  explicit front(const parts& p);
  void serve(ports::http_exchange_ptr exchange) override;
  /// May `who` list and watch these objects (empty `ns`: in all namespaces)? The refusal, errc::forbidden or
  /// unauthorized or unavailable; or nothing.
  caf::error may_watch(const ports::peer_identity& who, const kube::resource_info& info, const std::string& ns) const;

private:
  using outcome = std::variant<reply, failure>;
  struct call;
  /// Answers, or hands the exchange on (then nothing).
  std::optional<outcome> route(call& c);
  std::optional<outcome> resource(call& c);
  std::optional<outcome> read(call& c);
  std::optional<outcome> write(call& c);
  std::optional<outcome> write_object(call& c);
  std::optional<outcome> write_subresource(call& c);
  std::optional<outcome> remove(call& c);
  std::optional<outcome> submit(call& c, std::shared_ptr<class write_job> job);
  outcome document(const call& c) const;
  outcome health(const call& c) const;
  outcome version() const;

  const parts& parts_;
  discovery discovery_;
  open_api open_api_;
  paged_views pages_;
  kube::protobuf_codec protobuf_;
  body_readers readers_;
};

}  // namespace skerry::api
