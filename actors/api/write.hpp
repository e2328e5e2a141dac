#pragma once
#include <functional>
#include <set>

#include "actors/api/body.hpp"
#include "actors/api/representation.hpp"
#include "actors/api/sessions.hpp"
#include "actors/api/target.hpp"
#include "schema/kube/deletion.hpp"

namespace skerry::api {

/// What all writes of one object share.
struct write_context {
  const parts& with;
  target at;
  representation how;
  bool dry_run = false;
  std::vector<std::string> warnings;
};

/// POST of an object: stamps, defaults, checks; wants the namespace to be there and not going.
class create_job final : public write_job {
public:
  create_job(write_context c, json::value value)
      : context_(std::move(c)), value_(std::move(value)), generated_(string_at(value_, "metadata.name").empty()) {}
  decision decide(const store::view& view) override;
  decision committed(const store::committed& c, const store::view&) override;
  std::optional<reply> failed(const caf::error& e) override;

private:
  std::optional<failure> check_names(const store::view& view) const;
  write_context context_;
  json::value value_;  ///< as sent; gone after the first try unless the name is generated
  bool generated_;
  std::string name_;  ///< the last one tried
};

/// PUT and PATCH, of an object or a subresource: `change` makes what shall be of what is.
class update_job final : public write_job {
public:
  using change =
      std::function<std::variant<json::value, failure>(const json::value& before, std::vector<std::string>& warnings)>;
  using answer = std::function<ports::http_body(const store::object&)>;
  struct options {
    std::string subresource;  ///< "status"
    bool trusted = false;     ///< the change keeps the rules itself (binding, finalize)
    int code = 200;
    answer to_body;  ///< instead of the object
  };
  update_job(write_context c, change f, options o)
      : context_(std::move(c)), change_(std::move(f)), options_(std::move(o)) {}
  decision decide(const store::view& view) override;
  decision committed(const store::committed& c, const store::view&) override;
  std::optional<reply> failed(const caf::error& e) override;

private:
  reply answer_with(const store::object& o) const;
  write_context context_;
  change change_;
  options options_;
  std::vector<std::string> warnings_;
  bool conditional_ = false;  ///< the client named the revision: a conflict is its own to solve
};

/// What a delete asks, from body and query (meta/v1 DeleteOptions).
struct delete_options {
  kube::deletion_request request;
  std::string uid, revision;  ///< preconditions
  bool dry_run = false;
};
std::variant<delete_options, failure> read_delete_options(const ports::http_request& request, const query& q,
                                                          const body_readers& readers);

class delete_job final : public write_job {
public:
  delete_job(write_context c, delete_options o, bool eviction = false)
      : context_(std::move(c)), options_(std::move(o)), eviction_(eviction) {}
  decision decide(const store::view& view) override;
  decision committed(const store::committed& c, const store::view&) override;
  std::optional<reply> failed(const caf::error& e) override;

private:
  reply answer_with(const store::object& o) const;
  write_context context_;
  delete_options options_;
  bool eviction_;
  bool removing_ = false;
};

/// DELETE of all that a selector names, at most `commit_max` in one commit.
class collection_job final : public write_job {
public:
  collection_job(write_context c, delete_options o, selection s)
      : context_(std::move(c)), options_(std::move(o)), selected_(std::move(s)) {}
  decision decide(const store::view& view) override;
  decision committed(const store::committed& c, const store::view& view) override;
  std::optional<reply> failed(const caf::error& e) override;

private:
  static constexpr size_t commit_max = 256;
  write_context context_;
  delete_options options_;
  selection selected_;
  std::set<std::string> done_;  ///< uids
  std::vector<store::object> objects_;
  uint64_t revision_ = 0;
};

/// The change that a PATCH asks for; 415 for a content type that is no patch, 400 for one that does not parse.
std::variant<update_job::change, failure> read_patch(const ports::http_request& request,
                                                     const kube::resource_info& info, strictness s);
/// The change that a PUT asks for.
update_job::change replace_with(const target& t, json::value value);

/// autoscaling/v1 Scale of an object that has spec.replicas.
json::value scale_of(const json::value& object);
/// The change that a PUT or PATCH of a Scale asks for.
std::variant<update_job::change, failure> read_scale(const ports::http_request& request, const target& t, strictness s,
                                                     const body_readers& readers);
/// The change that a Binding asks for: the pod's node, once.
std::variant<update_job::change, failure> read_binding(const ports::http_request& request, target& t, int64_t now_ms,
                                                       const body_readers& readers);
/// The change of PUT namespaces/finalize: spec.finalizers alone.
std::variant<update_job::change, failure> read_finalize(const ports::http_request& request, const target& t,
                                                        strictness s, const body_readers& readers);

}  // namespace skerry::api
