#include "actors/link/renewal.hpp"

#include <utility>

#include "schema/error.hpp"

namespace skerry::link {

renewal::renewal(ports::pki* pki, ports::certificate_names names, int64_t before_ms, saver save)
    : pki_(pki), names_(std::move(names)), before_ms_(before_ms), save_(std::move(save)) {}

caf::expected<std::string> renewal::due(const ports::client_credentials& present, int64_t wall_ms) {
  if (pki_ == nullptr || !key_pem_.empty()) return std::string{};
  auto ends = pki_->expires_ms(present.certificate_pem);
  if (!ends || *ends - wall_ms > before_ms_) return std::string{};
  auto request = pki_->make_request(names_);
  if (!request) return std::move(request.error());
  key_pem_ = std::move(request->key_pem);
  return std::move(request->certificate_pem);
}

caf::expected<int64_t> renewal::take(schema::Joined::Reader answer, ports::client_credentials& present) {
  if (key_pem_.empty()) return make_error(errc::conflict, "the cloud sent a certificate that was not asked for");
  auto renewed = present;
  auto pem = answer.getCertificatePem();
  renewed.certificate_pem.assign(pem.begin(), pem.size());
  renewed.key_pem = std::exchange(key_pem_, {});
  auto ends = pki_->expires_ms(renewed.certificate_pem);
  if (!ends) return make_error(code_of(ends.error()), "the renewed certificate: " + message_of(ends.error()));
  if (save_)
    if (auto saved = save_(renewed); !saved)
      return make_error(code_of(saved.error()), "the renewed certificate is not saved: " + message_of(saved.error()));
  present = std::move(renewed);
  return *ends;
}

}  // namespace skerry::link
