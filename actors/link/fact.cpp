#include "actors/link/fact.hpp"

#include "schema/error.hpp"

namespace skerry::link {
namespace {
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
std::string text_of(capnp::Data::Reader d) { return {reinterpret_cast<const char*>(d.begin()), d.size()}; }
pod_ref ref_of(schema::PodRef::Reader r) {
  return {text_of(r.getNamespace()), text_of(r.getName()), text_of(r.getUid())};
}
caf::error broken(const kj::Exception& e) {
  return make_error(errc::corrupt, std::string{"a fact does not parse: "} + e.getDescription().cStr());
}
}  // namespace

caf::expected<fact_data> read_fact(schema::Fact::Reader r) {
  try {
    fact_data out;
    out.sequence = r.getSequence();
    switch (r.which()) {
      case schema::Fact::POD_STATUS:
        out.what = fact_kind::pod_status;
        out.pod = ref_of(r.getPodStatus().getPod());
        out.json = text_of(r.getPodStatus().getJson());
        return out;
      case schema::Fact::POD_GONE:
        out.what = fact_kind::pod_gone;
        out.pod = ref_of(r.getPodGone());
        return out;
      case schema::Fact::NODE_STATUS:
        out.what = fact_kind::node_status;
        out.json = text_of(r.getNodeStatus());
        return out;
      case schema::Fact::EVENT:
        out.what = fact_kind::event;
        out.json = text_of(r.getEvent());
        return out;
      case schema::Fact::DEVICE_STATUS:
        out.what = fact_kind::device_status;
        out.pod = ref_of(r.getDeviceStatus().getDevice());
        out.json = text_of(r.getDeviceStatus().getJson());
        return out;
      default:
        return make_error(errc::unsupported, "a fact of a kind that this version does not know");
    }
  } catch (const kj::Exception& e) {
    return broken(e);
  }
}

caf::expected<std::vector<fact_data>> read_facts(const frame& f) {
  try {
    std::vector<fact_data> out;
    uint64_t before = 0;
    for (auto r : (*f).getFacts().getFacts()) {
      auto fact = read_fact(r);
      if (!fact) return std::move(fact.error());
      if (fact->sequence <= before)
        return make_error(errc::invalid,
                          "fact " + std::to_string(fact->sequence) + " comes after fact " + std::to_string(before));
      before = fact->sequence;
      out.push_back(std::move(*fact));
    }
    return out;
  } catch (const kj::Exception& e) {
    return broken(e);
  }
}

}  // namespace skerry::link
