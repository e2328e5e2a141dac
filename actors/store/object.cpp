#include "actors/store/object.hpp"

#include <algorithm>
#include <boost/json/serializer.hpp>
#include <vector>

namespace skerry::store {
namespace {

using strings = std::span<const std::string_view>;

/// Appends the compact JSON of `v`.
void append(std::string& out, const json::value& v) {
  thread_local json::serializer writer;
  writer.reset(&v);
  char chunk[4096];
  while (!writer.done()) out.append(writer.read(chunk, sizeof chunk));
}

void append(std::string& out, std::string_view text) {
  thread_local json::serializer writer;
  writer.reset(json::string_view{text.data(), text.size()});
  char chunk[1024];
  while (!writer.done()) out.append(writer.read(chunk, sizeof chunk));
}

void append_member(std::string& out, std::string_view key, const json::value& v) {
  if (out.back() != '{') out += ',';
  append(out, key);
  out += ':';
  append(out, v);
}

constexpr unsigned words_beside_json = 160;
constexpr std::string_view revision_head = "\"metadata\":{\"resourceVersion\":\"";

void append_metadata(std::string& out, const json::object* metadata, uint64_t revision) {
  if (out.back() != '{') out += ',';
  out += revision_head;
  out += std::to_string(revision);
  out += '"';
  if (metadata != nullptr)
    for (const auto& [key, v] : *metadata)
      if (key != "resourceVersion") append_member(out, {key.data(), key.size()}, v);
  out += '}';
}

std::string canonical_json(const json::value& value, uint64_t revision) {
  std::string out;
  out.reserve(2048);
  out += '{';
  const auto* top = value.if_object();
  const json::object none;
  if (top == nullptr) top = &none;
  for (const char* key : {"apiVersion", "kind"})
    if (const auto* v = top->if_contains(key)) append_member(out, key, *v);
  const auto* metadata = top->if_contains("metadata");
  append_metadata(out, metadata != nullptr ? metadata->if_object() : nullptr, revision);
  for (const auto& [key, v] : *top)
    if (key != "apiVersion" && key != "kind" && key != "metadata") append_member(out, {key.data(), key.size()}, v);
  out += '}';
  return out;
}

/// Text of a scalar as a field selector compares it.
std::string scalar_text(const json::value* v) {
  if (v == nullptr) return {};
  if (const auto* s = v->if_string()) return {s->data(), s->size()};
  if (v->is_bool() || v->is_number()) {
    std::string out;
    append(out, *v);
    return out;
  }
  return {};
}

capnp::Text::Reader text(std::string_view s) { return {s.data(), s.size()}; }
/// Cap'n Proto wants its texts to end in a zero byte where they come from; a copy through std::string has one.
template <class F>
void set_text(std::string_view s, F&& set) {
  if (s.empty()) return;
  std::string z{s};
  set(text(z));
}

int64_t time_at(const json::value& v, std::string_view path) {
  auto t = string_at(v, path);
  return t.empty() ? 0 : parse_time(t).value_or(0);
}

void extract_labels(const json::value& v, schema::StoredObject::Builder o) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const auto& [key, value] : object_at(v, "metadata.labels"))
    if (const auto* s = value.if_string())
      labels.emplace_back(std::string{key.data(), key.size()}, std::string{s->data(), s->size()});
  if (labels.empty()) return;
  std::sort(labels.begin(), labels.end());
  auto list = o.initLabels(static_cast<unsigned>(labels.size()));
  for (unsigned i = 0; i < labels.size(); ++i) {
    list[i].setKey(labels[i].first);
    list[i].setValue(labels[i].second);
  }
}

void extract_owners(const json::value& v, schema::StoredObject::Builder o) {
  const auto& owners = array_at(v, "metadata.ownerReferences");
  if (owners.empty()) return;
  auto list = o.initOwners(static_cast<unsigned>(owners.size()));
  for (unsigned i = 0; i < owners.size(); ++i) {
    set_text(string_at(owners[i], "uid"), [&](auto t) { list[i].setUid(t); });
    set_text(string_at(owners[i], "kind"), [&](auto t) { list[i].setKind(t); });
    set_text(string_at(owners[i], "name"), [&](auto t) { list[i].setName(t); });
    list[i].setController(bool_at(owners[i], "controller"));
  }
}

void extract_finalizers(const json::value& v, schema::StoredObject::Builder o) {
  const auto& finalizers = array_at(v, "metadata.finalizers");
  if (finalizers.empty()) return;
  auto list = o.initFinalizers(static_cast<unsigned>(finalizers.size()));
  for (unsigned i = 0; i < finalizers.size(); ++i)
    list.set(i, capnp::Text::Reader{scalar_text(&finalizers[i]).c_str()});
}

void extract_fields(const json::value& v, std::string_view resource, schema::StoredObject::Builder o) {
  std::vector<std::pair<std::string_view, std::string>> found;
  for (auto path : selectable_fields(resource)) {
    if (path == "status.phase" || (path == "spec.nodeName" && resource == "pods"))
      continue;  // have members of their own
    auto value = scalar_text(find(v, path));
    if (!value.empty()) found.emplace_back(path, std::move(value));
  }
  if (found.empty()) return;
  auto list = o.initFields(static_cast<unsigned>(found.size()));
  for (unsigned i = 0; i < found.size(); ++i) {
    set_text(found[i].first, [&](auto t) { list[i].setKey(t); });
    list[i].setValue(found[i].second);
  }
}

capnp::Data::Reader as_data(std::string_view s) { return {reinterpret_cast<const kj::byte*>(s.data()), s.size()}; }

void set_stamp(schema::StoredObject::Builder o, const stamp& at) {
  o.setRevision(at.revision);
  o.setPrevious(at.previous);
  o.setCommittedMs(at.committed_ms);
}

}  // namespace

strings selectable_fields(std::string_view resource) {
  static constexpr std::string_view pods[] = {
      "spec.nodeName",    "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
      "spec.hostNetwork", "status.phase",       "status.podIP",       "status.nominatedNodeName"};
  static constexpr std::string_view events[] = {"involvedObject.kind",
                                                "involvedObject.namespace",
                                                "involvedObject.name",
                                                "involvedObject.uid",
                                                "involvedObject.apiVersion",
                                                "involvedObject.resourceVersion",
                                                "reason",
                                                "involvedObject.fieldPath",
                                                "reportingComponent",
                                                "source.component",
                                                "type"};
  static constexpr std::string_view namespaces[] = {"status.phase"};
  static constexpr std::string_view nodes[] = {"spec.unschedulable"};
  static constexpr std::string_view secrets[] = {"type"};
  static constexpr std::string_view services[] = {"spec.clusterIP", "spec.type"};
  static constexpr std::string_view replicas[] = {"status.replicas"};
  static constexpr std::string_view jobs[] = {"status.successful"};
  static constexpr std::string_view requests[] = {"spec.signerName"};
  if (resource == "pods") return pods;
  if (resource == "events" || resource == "events.events.k8s.io") return events;
  if (resource == "namespaces") return namespaces;
  if (resource == "nodes") return nodes;
  if (resource == "secrets") return secrets;
  if (resource == "services") return services;
  if (resource == "replicasets.apps" || resource == "replicationcontrollers") return replicas;
  if (resource == "jobs.batch") return jobs;
  if (resource == "certificatesigningrequests.certificates.k8s.io") return requests;
  return {};
}

std::optional<std::string_view> label_of(const object& o, std::string_view key) {
  auto labels = (*o).getLabels();
  unsigned low = 0, high = labels.size();
  while (low < high) {
    auto middle = (low + high) / 2;
    auto order = view_of(labels[middle].getKey()).compare(key);
    if (order == 0) return view_of(labels[middle].getValue());
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return std::nullopt;
}

std::optional<std::string_view> field_of(const object& o, std::string_view path) {
  if (path == "metadata.name") return name_of(o);
  if (path == "metadata.namespace") return namespace_of(o);
  auto known = selectable_fields(resource_of(o));
  if (std::find(known.begin(), known.end(), path) == known.end()) return std::nullopt;
  if (path == "status.phase") return phase_of(o);
  if (path == "spec.nodeName") return node_of(o);
  for (auto f : (*o).getFields())
    if (view_of(f.getKey()) == path) return view_of(f.getValue());
  if (path == "spec.unschedulable" || path == "spec.hostNetwork") return "false";
  return std::string_view{};
}

json::value parse(const object& o) {
  std::string error;
  auto v = parse_json(json_of(o), error);
  if (!error.empty()) throw std::logic_error{to_string(key_of(o)) + " holds JSON that does not parse: " + error};
  return v;
}

object_key key_of(const object& o) {
  return {std::string{resource_of(o)}, std::string{namespace_of(o)}, std::string{name_of(o)}};
}

std::string to_string(const object_key& key) {
  return key.resource + ' ' + (key.ns.empty() ? key.name : key.ns + '/' + key.name);
}

object freeze(const draft& d, const stamp& at) {
  const auto& v = d.value;
  auto text_json = canonical_json(v, at.revision);
  // As large as it will be, about: the default is 8 KB, zeroed.
  capnp::MallocMessageBuilder message{
      static_cast<unsigned>(text_json.size() / sizeof(capnp::word) + words_beside_json)};
  auto o = message.initRoot<schema::StoredObject>();
  o.setResource(d.key.resource);
  if (!d.key.ns.empty()) o.setNamespace(d.key.ns);
  o.setName(d.key.name);
  set_text(string_at(v, "metadata.uid"), [&](auto t) { o.setUid(t); });
  set_stamp(o, at);
  o.setGeneration(int_at(v, "metadata.generation"));
  o.setCreatedMs(time_at(v, "metadata.creationTimestamp"));
  o.setDeletionMs(time_at(v, "metadata.deletionTimestamp"));
  extract_labels(v, o);
  extract_owners(v, o);
  extract_finalizers(v, o);
  if (d.key.resource == "pods" || d.key.resource == devices_resource)
    set_text(string_at(v, "spec.nodeName"), [&](auto t) { o.setNode(t); });
  if (d.key.resource == "pods" || d.key.resource == "namespaces")
    set_text(string_at(v, "status.phase"), [&](auto t) { o.setPhase(t); });
  extract_fields(v, d.key.resource, o);
  o.setJson(as_data(text_json));
  return object::freeze(message);
}

object freeze_removal(const object& last, const stamp& at) {
  // The first `revision_head` is the true one: before it stand only apiVersion and kind, where quotes are escaped.
  auto old = json_of(last);
  auto from = old.find(revision_head) + revision_head.size();
  std::string text_json{old.substr(0, from)};
  text_json += std::to_string(at.revision);
  text_json += old.substr(old.find('"', from));
  // A fresh message, field by field: a copy of the root would leave the old JSON behind in it as a hole.
  return object::build([&](schema::StoredObject::Builder o) {
    auto from_last = *last;
    o.setResource(from_last.getResource());
    o.setNamespace(from_last.getNamespace());
    o.setName(from_last.getName());
    o.setUid(from_last.getUid());
    set_stamp(o, at);
    o.setGeneration(from_last.getGeneration());
    o.setCreatedMs(from_last.getCreatedMs());
    o.setDeletionMs(from_last.getDeletionMs());
    if (from_last.hasLabels()) o.setLabels(from_last.getLabels());
    if (from_last.hasOwners()) o.setOwners(from_last.getOwners());
    if (from_last.hasFinalizers()) o.setFinalizers(from_last.getFinalizers());
    o.setNode(from_last.getNode());
    o.setPhase(from_last.getPhase());
    if (from_last.hasFields()) o.setFields(from_last.getFields());
    o.setRemoved(true);
    o.setJson(as_data(text_json));
  });
}

}  // namespace skerry::store
