#include "sim/world/request.hpp"

namespace skerry::sim {
namespace {

class exchange final : public ports::http_exchange {
public:
  explicit exchange(call_ptr c) : call_(std::move(c)) {}
  ~exchange() override { call_->done = true; }
  const ports::http_request& request() const override { return call_->request; }
  void respond(int status, std::string_view, ports::http_body body,
               std::vector<std::pair<std::string, std::string>>) override {
    call_->code = status;
    for (auto& p : body) call_->text += p.view();
    call_->done = true;
  }
  void start_stream(int status, std::string_view, std::function<void()> on_closed) override {
    call_->code = status;
    call_->on_closed = std::move(on_closed);
  }
  bool write(ports::http_body pieces) override {
    if (call_->done) return false;
    for (auto& p : pieces) call_->text += p.view();
    return true;
  }
  void end_stream() override { call_->done = true; }

private:
  call_ptr call_;
};

}  // namespace

call_ptr send(api::front& front, std::string method, std::string target, std::string body, std::string type) {
  auto c = std::make_shared<call>();
  c->request.method = std::move(method);
  c->request.target = std::move(target);
  c->request.body = std::move(body);
  c->request.content_type = std::move(type);
  c->request.peer.common_name = "admin";
  c->request.peer.organizations = {"system:masters"};
  front.serve(std::make_shared<exchange>(c));
  return c;
}

}  // namespace skerry::sim
