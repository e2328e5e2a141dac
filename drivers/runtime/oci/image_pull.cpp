#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <schema/error.hpp>
#include <schema/json.hpp>

#include "fs.hpp"
#include "images.hpp"
#include "layer.hpp"
#include "process.hpp"

namespace skerry::drivers::oci {
namespace {

bool says(const std::string& text, std::initializer_list<const char*> any) {
  return std::any_of(any.begin(), any.end(), [&](auto* t) { return text.find(t) != std::string::npos; });
}

/// What a failure of skopeo means, told by its words (it has no exit codes for this).
errc classify(const std::string& text, bool registry) {
  if (says(text, {"no space left on device"})) return errc::full;
  if (says(text, {"manifest unknown", "name unknown", "repository name not known", "NAME_UNKNOWN", "404 (Not Found)",
                  "status 404"}))
    return errc::not_found;
  if (says(text, {"unauthorized", "authentication required", "access to the resource is denied", "requested access",
                  "status 401", "403 (Forbidden)", "invalid username/password"}))
    return errc::unauthorized;
  if (says(text, {"igest did not match", "does not match", "unexpected EOF", "invalid tar header",
                  "gzip:", "invalid character", "corrupt", "unknown compression", "not a valid", "expected"}))
    return errc::corrupt;
  return registry ? errc::unavailable : errc::corrupt;
}

/// The message of skopeo's last log line, without its frame.
std::string fatal_message(const std::string& text) {
  auto at = text.rfind("msg=\"");
  if (at == std::string::npos) return text.substr(0, text.find_last_not_of("\r\n ") + 1);
  auto out = text.substr(at + 5, text.rfind('"') - at - 5);
  for (size_t i; (i = out.find("\\\"")) != std::string::npos;) out.erase(i, 1);
  return out;
}

class scratch {
public:
  explicit scratch(std::string path) : path_{std::move(path)} {}
  ~scratch() { (void)remove_tree(path_); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace

caf::expected<void> images::copy(const std::string& source, const std::string& to, bool insecure) {
  command c;
  c.arguments = {find_program("skopeo")};
  if (!exists("/etc/containers/policy.json")) c.arguments.push_back("--insecure-policy");
  c.arguments.insert(c.arguments.end(), {"--tmpdir", o_.data_dir + "/tmp", "copy", "--quiet"});
  if (insecure) c.arguments.push_back("--src-tls-verify=false");
  if (!o_.auth_file.empty()) c.arguments.insert(c.arguments.end(), {"--src-authfile", o_.auth_file});
  c.arguments.insert(c.arguments.end(), {source, "dir:" + to});
  c.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "GOMAXPROCS=2", "GOGC=50"};
  for (auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"})
    if (auto* value = getenv(name)) c.environment.push_back(std::string{name} + "=" + value);
  c.cancel = &cancelled_;
  auto r = run(c, o_.pull_ms_max, 8 * 1024);
  if (!r) return std::move(r.error());
  bool registry = source.starts_with("docker://");
  auto what = registry ? "cannot pull " + source.substr(9) : "cannot import " + source;
  if (cancelled_) return make_error(errc::cancelled, what + ": the driver stops");
  if (r->timed_out)
    return make_error(errc::unavailable, what + ": not done within " + std::to_string(o_.pull_ms_max / 1000) + " s");
  if (r->exit_code != 0) return make_error(classify(r->output, registry), what + ": " + fatal_message(r->output));
  return caf::unit;
}

caf::expected<image_record> images::fetch(const std::string& source, const std::string& name,
                                          const std::string& repository, const std::string& digest, bool insecure) {
  scratch directory{o_.data_dir + "/tmp/pull-" + std::to_string(++last_)};
  if (auto r = make_directories(directory.path()); !r) return std::move(r.error());
  {
    std::lock_guard guard{mutex_};
    ++pulls_;
  }
  auto copied = copy(source, directory.path(), insecure);
  auto taken = copied ? take(directory.path(), name, repository, digest) : caf::expected<image_record>{copied.error()};
  std::lock_guard guard{mutex_};
  --pulls_;
  return taken;
}

caf::expected<image_record> images::pull(const reference& r) {
  bool insecure = is_loopback(r.registry) || std::find(o_.insecure_registries.begin(), o_.insecure_registries.end(),
                                                       r.registry) != o_.insecure_registries.end();
  return fetch("docker://" + r.text(), r.text(), r.repository_name(), r.digest, insecure);
}

caf::expected<image_record> images::import(const std::string& archive, const std::string& name) {
  if (!exists(archive)) return make_error(errc::not_found, "cannot import " + archive + ": there is no such file");
  command list;
  list.arguments = {find_program("tar"), "--list", "--file=" + archive, "--exclude=blobs/*"};
  list.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  auto names = run(list, o_.pull_ms_max, 256 * 1024);
  if (!names) return std::move(names.error());
  if (!names->ok()) return make_error(errc::corrupt, "cannot import " + archive + ": " + names->output);
  auto has = [&](const std::string& file) {
    return ("\n" + names->output).find("\n" + file + "\n") != std::string::npos;
  };
  bool docker = has("manifest.json");
  if (!docker && !has("index.json") && !has("./index.json"))
    return make_error(errc::corrupt, "cannot import " + archive + ": it is neither an OCI nor a docker archive");
  auto wanted = name;
  if (wanted.empty()) {
    command show;
    auto file = docker ? "manifest.json" : has("index.json") ? "index.json" : "./index.json";
    show.arguments = {find_program("tar"), "--extract", "--to-stdout", "--file=" + archive, file};
    show.environment = list.environment;
    auto text = run_ok(show, o_.pull_ms_max, 1024 * 1024);
    if (!text) return std::move(text.error());
    std::string error;
    auto v = parse_json(*text, error);
    if (docker && v.is_array() && v.get_array().size() == 1) {
      auto& tags = array_at(v.get_array()[0], "RepoTags");
      if (!tags.empty() && tags[0].is_string()) wanted = tags[0].get_string().c_str();
    } else if (!docker && array_at(v, "manifests").size() == 1) {
      auto& notes = object_at(array_at(v, "manifests")[0], "annotations");
      for (auto* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"})
        if (auto* s = notes.if_contains(key); s && s->is_string() && wanted.empty()) wanted = s->get_string().c_str();
    }
    if (wanted.empty()) return make_error(errc::invalid, archive + " does not say its name: give one with --name");
  }
  auto r = parse_reference(wanted);
  if (!r) return std::move(r.error());
  // skopeo splits at colons: the archive is given to it under a path of ours.
  scratch link{o_.data_dir + "/tmp/archive-" + std::to_string(++last_)};
  if (symlink(archive.c_str(), link.path().c_str()) != 0) return io_error("cannot link", link.path());
  auto taken = fetch((docker ? "docker-archive:" : "oci-archive:") + link.path(), r->text(), "", "", false);
  if (taken) return taken;
  auto text = message_of(taken.error());
  for (size_t at; (at = text.find(link.path())) != std::string::npos;) text.replace(at, link.path().size(), archive);
  if (text.find(archive) == std::string::npos) text = "cannot import " + archive + ": " + text;
  return make_error(code_of(taken.error()), text);
}

caf::expected<void> images::unpack(const std::string& file, const blob& layer, const std::string& diff_id) {
  if (exists(o_.data_dir + "/blobs/layers/" + layer.digest.substr(7)))
    return make_error(errc::corrupt, "layer " + layer.digest + " is known under another diffID than " + diff_id);
  scratch half{o_.data_dir + "/tmp/layer-" + std::to_string(++last_)};
  if (auto r = make_directories(half.path()); !r) return r;
  if (auto r = unpack_layer(file, diff_id, half.path(), o_.pull_ms_max, cancelled_); !r) return r;
  {
    descriptor fd{open(half.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd || syncfs(fd.get()) != 0) return io_error("cannot sync", half.path());
  }
  if (rename(half.path().c_str(), layer_path(diff_id).c_str()) != 0)
    return io_error("cannot place layer", layer_path(diff_id));
  return write_atomic(o_.data_dir + "/blobs/layers/" + layer.digest.substr(7),
                      diff_id + " " + std::to_string(layer.size_bytes));
}

}  // namespace skerry::drivers::oci
