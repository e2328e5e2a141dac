#include "actors/node/desired_set.hpp"

#include <charconv>

#include "schema/error.hpp"

namespace skerry::node {
namespace {

constexpr const char* complete_key = "desired-complete";
constexpr std::string_view object_prefix = "desired/", object_end = "desired0";  // '0' follows '/'
constexpr std::string_view status_prefix = "status/", status_end = "status0";

std::string key_text(const store::object_key& k) {
  return std::string{object_prefix} + k.resource + "/" + k.ns + "/" + k.name;
}

std::string text_of(const store::object& o) {
  auto b = o.bytes();
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

std::optional<pod::config_key> config_of(const store::object_key& k) {
  if (k.resource == "configmaps") return pod::config_key{false, k.name};
  if (k.resource == "secrets") return pod::config_key{true, k.name};
  return {};
}

bool is_device(const store::object_key& k) {
  return k.resource == store::devices_resource || k.resource == store::device_models_resource;
}

std::string label(const store::object_key& k) { return k.resource + " " + k.ns + "/" + k.name; }

}  // namespace

caf::expected<desired_set::effect> desired_set::load() {
  auto complete = kv_.get(complete_key);
  if (!complete) return complete.error();
  if (*complete) std::from_chars((*complete)->data(), (*complete)->data() + (*complete)->size(), complete_);
  effect out;
  auto ok = kv_.scan(object_prefix, object_end, [&](std::string_view key, std::string_view value) {
    auto o = store::object::from_bytes(std::as_bytes(std::span{value.data(), value.size()}));
    if (o)
      take(*o, out);
    else
      out.refused.push_back(std::string{key} + ": " + message_of(o.error()));
    return true;
  });
  if (!ok) return ok.error();
  if (!out.refused.empty()) complete_ = 0;  // the link fetches all anew
  return out;
}

caf::expected<desired_set::effect> desired_set::apply(const link::desired_changes& changes) {
  ports::kv_batch batch;
  for (auto& d : changes.drop)
    if (auto i = held_.find(d.key); i != held_.end() && (d.uid.empty() || d.uid == i->second.uid))
      batch.remove(key_text(d.key));
  for (auto& o : changes.put) batch.put(key_text(store::key_of(o)), text_of(o));
  if (changes.last) batch.put(complete_key, std::to_string(changes.revision));
  if (!batch.changes.empty())
    if (auto ok = kv_.write(batch, true); !ok) return ok.error();
  effect out;
  for (auto& d : changes.drop)
    if (auto i = held_.find(d.key); i != held_.end() && (d.uid.empty() || d.uid == i->second.uid)) drop(d.key, out);
  for (auto& o : changes.put) take(o, out);
  if (changes.last) complete_ = changes.revision;
  return out;
}

void desired_set::take(const store::object& o, effect& out) {
  auto key = store::key_of(o);
  std::string uid{store::uid_of(o)};
  if (auto i = held_.find(key); i != held_.end() && i->second.uid != uid) drop(key, out);
  held_[key] = {uid, store::revision_of(o)};
  out.devices = out.devices || is_device(key);
  auto config = config_of(key);
  if (key.resource != "pods" && !config) return;
  std::string error;
  auto value = parse_json(store::json_of(o), error);
  if (!error.empty()) {
    out.refused.push_back(label(key) + ": " + error);
    return;
  }
  if (config) {
    configs_[{key.ns, *config}] = std::make_shared<const pod::config_object>(pod::parse_config(value, config->secret));
    touch_config(key.ns, *config, out);
    return;
  }
  auto spec = pod::parse_pod(value);
  if (!spec) {
    out.refused.push_back(label(key) + ": " + message_of(spec.error()));
    return;
  }
  pods_[uid] = {key, store::revision_of(o), std::make_shared<const pod::pod_spec>(std::move(*spec))};
  out.changed.push_back(uid);
}

void desired_set::drop(const store::object_key& key, effect& out) {
  auto i = held_.find(key);
  if (i == held_.end()) return;
  out.devices = out.devices || is_device(key);
  if (key.resource == "pods" && pods_.erase(i->second.uid) > 0) out.dropped.push_back(i->second.uid);
  if (auto config = config_of(key)) {
    configs_.erase({key.ns, *config});
    touch_config(key.ns, *config, out);
  }
  held_.erase(i);
}

void desired_set::touch_config(const std::string& ns, const pod::config_key& key, effect& out) {
  for (auto& [uid, p] : pods_)
    if (p.key.ns == ns && p.spec->configs.contains(key)) out.configs.push_back(uid);
}

link::inventory desired_set::inventory() const {
  link::inventory out;
  out.complete = complete_;
  out.objects.reserve(held_.size());
  for (auto& [key, h] : held_) out.objects.push_back({key, h.uid, h.revision});
  return out;
}

caf::expected<std::vector<store::object>> desired_set::objects_of(std::string_view resource) const {
  std::vector<store::object> out;
  caf::error broken;
  auto first = std::string{object_prefix} + std::string{resource};
  auto ok = kv_.scan(first + "/", first + "0", [&](std::string_view, std::string_view value) {
    auto o = store::object::from_bytes(std::as_bytes(std::span{value.data(), value.size()}));
    if (o)
      out.push_back(std::move(*o));
    else
      broken = o.error();
    return !broken;
  });
  if (!ok) return ok.error();
  if (broken) return broken;
  return out;
}

const desired_set::held_pod* desired_set::find(const std::string& uid) const {
  auto i = pods_.find(uid);
  return i == pods_.end() ? nullptr : &i->second;
}

pod::config_set desired_set::configs_of(const pod::pod_spec& spec) const {
  pod::config_set out;
  for (auto& key : spec.configs)
    if (auto i = configs_.find({spec.ns, key}); i != configs_.end()) out.emplace(key, i->second);
  return out;
}

std::string desired_set::status_of(const std::string& uid) const {
  auto v = kv_.get(std::string{status_prefix} + uid);
  return v && *v ? **v : std::string{};
}

caf::expected<void> desired_set::keep_status(const std::string& uid, const std::string& json) {
  ports::kv_batch batch;
  batch.put(std::string{status_prefix} + uid, json);
  return kv_.write(batch, false);
}

caf::expected<void> desired_set::forget_status(const std::string& uid) {
  ports::kv_batch batch;
  batch.remove(std::string{status_prefix} + uid);
  return kv_.write(batch, false);
}

std::vector<std::string> desired_set::statuses() const {
  std::vector<std::string> out;
  kv_.scan(status_prefix, status_end, [&](std::string_view key, std::string_view) {
    out.emplace_back(key.substr(status_prefix.size()));
    return true;
  });
  return out;
}

}  // namespace skerry::node
