#include "sim/load/clients.hpp"

namespace skerry::sim {
namespace {

json::value parsed(const std::string& text) {
  std::string error;
  return parse_json(text, error);
}

bool good(const call& c) { return c.code >= 200 && c.code < 300; }

constexpr const char* config_maps = "/api/v1/namespaces/default/configmaps";
constexpr const char* pods = "/api/v1/namespaces/default/pods";

}  // namespace

// -- writer -----------------------------------------------------------------------------------------------------------

void writer::submit() {
  auto body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + key_ + R"("},"data":{"value":")" +
              value_ + R"("}})";
  if (acknowledged_.contains(key_))
    pending_ = send(front_, "PUT", std::string{config_maps} + "/" + key_, body);
  else
    pending_ = send(front_, "POST", config_maps, body);
}

void writer::work(bool more, int64_t now_ms) {
  if (retry_.waits()) {
    if (retry_.due(now_ms)) submit();
    return;
  }
  if (pending_) {
    if (!pending_->done) return;
    // A creation whose answer was lost may have been done: then the name is taken, and an update says the value.
    bool taken = pending_->code == 409 && !acknowledged_.contains(key_);
    if (taken) acknowledged_[key_];
    if (!good(*pending_)) return retry_.later(now_ms);
    acknowledged_[key_] = value_;
    pending_ = nullptr;
  }
  if (!more) return;
  key_ = name_ + "-" + std::to_string(writes_ % static_cast<uint64_t>(keys_));
  value_ = std::to_string(++writes_);
  submit();
}

// -- pod_maker --------------------------------------------------------------------------------------------------------

void pod_maker::submit() {
  if (deleting_) {
    pending_ = send(front_, "DELETE", std::string{pods} + "/" + name_ + "?gracePeriodSeconds=1");
    return;
  }
  pending_ = send(front_, "POST", pods,
                  R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name_ +
                      R"("},"spec":{"containers":[{"name":"main","image":"app:1"}]}})");
}

void pod_maker::work(bool more, int64_t now_ms) {
  if (retry_.waits()) {
    if (retry_.due(now_ms)) submit();
    return;
  }
  if (pending_) {
    if (!pending_->done) return;
    bool settled = good(*pending_) || pending_->code == (deleting_ ? 404 : 409);
    if (!settled) return retry_.later(now_ms);
    if (!deleting_) alive_.insert(name_);
    pending_ = nullptr;
  }
  if (!more) return;
  deleting_ = alive_.size() >= alive_max_;
  if (deleting_) {
    name_ = *alive_.begin();
    alive_.erase(name_);
  } else {
    name_ = "pod-" + std::to_string(100'000 + ++number_);
  }
  submit();
}

// -- scaler -----------------------------------------------------------------------------------------------------------

void scaler::submit() {
  pending_ =
      send(front_, "PATCH", "/apis/apps/v1/namespaces/default/deployments/web", patch_, "application/merge-patch+json");
}

void scaler::work(bool more, int64_t now_ms, ports::random& draw) {
  if (retry_.waits()) {
    if (retry_.due(now_ms)) submit();
    return;
  }
  if (pending_) {
    if (!pending_->done) return;
    if (!good(*pending_)) return retry_.later(now_ms);
    pending_ = nullptr;
  }
  if (!more) return;
  ++changes_;
  std::string spec;
  if (draw.next() % 4 != 0) {
    replicas_ = static_cast<int64_t>(1 + draw.next() % 8);
    spec = R"("replicas":)" + std::to_string(replicas_);
  } else {  // rolls all of its pods
    spec = R"("template":{"metadata":{"annotations":{"change":")" + std::to_string(changes_) + R"("}}})";
  }
  patch_ = R"({"spec":{)" + spec + "}}";
  submit();
}

// -- reflector --------------------------------------------------------------------------------------------------------

void reflector::take_list() {
  if (!call_->done) return;
  auto answer = std::exchange(call_, nullptr);
  if (!good(*answer)) return;
  auto list = parsed(answer->text);
  objects_.clear();
  for (auto& item : array_at(list, "items"))
    objects_[std::string{string_at(item, "metadata.name")}] = string_at(item, "metadata.resourceVersion");
  version_ = string_at(list, "metadata.resourceVersion");
  ++lists_;
}

void reflector::take_events() {
  auto& text = call_->text;
  for (auto end = text.find('\n', read_); end != std::string::npos; end = text.find('\n', read_)) {
    auto event = parsed(text.substr(read_, end - read_));
    read_ = end + 1;
    auto type = string_at(event, "type");
    if (type == "ERROR") {
      version_.clear();  // too old, or the server could not go on: list again
      call_ = nullptr;
      return;
    }
    version_ = string_at(event, "object.metadata.resourceVersion");
    auto name = std::string{string_at(event, "object.metadata.name")};
    if (type == "DELETED")
      objects_.erase(name);
    else if (type != "BOOKMARK")
      objects_[name] = version_;
  }
  if (!call_->done) return;
  if (call_->code == 410 || !good(*call_)) version_.clear();
  call_ = nullptr;
}

void reflector::work(int64_t now_ms) {
  bool had = call_ != nullptr;
  if (call_ && watching_)
    take_events();
  else if (call_)
    take_list();
  if (call_) return;
  if (had && version_.empty()) retry_.later(now_ms);  // a list, or a watch, that failed
  if (retry_.waits() && !retry_.due(now_ms)) return;
  watching_ = !version_.empty();
  read_ = 0;
  watches_ += watching_;
  call_ = send(front_, "GET",
               watching_ ? target_ + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version_ : target_);
}

bool reflector::agrees_with(const json::value& list) const {
  auto& items = array_at(list, "items");
  if (items.size() != objects_.size()) return false;
  for (auto& item : items) {
    auto i = objects_.find(std::string{string_at(item, "metadata.name")});
    if (i == objects_.end() || i->second != string_at(item, "metadata.resourceVersion")) return false;
  }
  return true;
}

}  // namespace skerry::sim
