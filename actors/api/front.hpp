#pragma once
#include <atomic>

#include "actors/api/body.hpp"
#include "actors/api/discovery.hpp"
#include "actors/api/openapi.hpp"
#include "actors/api/parts.hpp"
#include "actors/api/read.hpp"
#include "actors/ports/http.hpp"

namespace skerry::api {

/// Reading the samples of a device (get devices/samples of telemetry.skerry.io).
wish samples_wish(const std::string& ns, const std::string& name);

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
  /// May `who` read the samples of a device? As may_watch.
  caf::error may_read_samples(const ports::peer_identity& who, const std::string& ns, const std::string& name) const;

private:
  using outcome = std::variant<reply, failure>;
  struct call;
  /// Answers, or hands the exchange on (then nothing).
  caf::error may(const ports::peer_identity& who, const kube::resource_info& info, const std::vector<wish>& all) const;
  std::optional<outcome> route(call& c);
  std::optional<outcome> resource(call& c);
  std::optional<outcome> read(call& c);
  std::optional<outcome> write(call& c);
  std::optional<outcome> write_object(call& c);
  std::optional<outcome> write_subresource(call& c);
  std::optional<outcome> remove(call& c);
  std::optional<outcome> samples(call& c);
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
  std::shared_ptr<std::atomic<size_t>> queries_ = std::make_shared<std::atomic<size_t>>(0);  ///< under way
};

}  // namespace skerry::api
