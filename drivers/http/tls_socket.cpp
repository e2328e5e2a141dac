#include "drivers/http/tls_socket.hpp"

#include <openssl/err.h>

#include <new>

#include "drivers/net/socket_bio.hpp"

namespace skerry::http {
tls_socket::tls_socket(SSL_CTX* context, int descriptor) : ssl_(SSL_new(context)) {
  if (ssl_ == nullptr) throw std::bad_alloc{};
  auto* bio = net::make_socket_bio(descriptor);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mode(ssl_.get(),
               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(ssl_.get(), 1);  // one recv for a record, not one for its head and one for its body
  SSL_set_accept_state(ssl_.get());
}

tls_result tls_socket::handshake() {
  ERR_clear_error();
  return result_of(SSL_do_handshake(ssl_.get()));
}

tls_result tls_socket::read(char* to, size_t size, size_t& got) {
  ERR_clear_error();
  return result_of(SSL_read_ex(ssl_.get(), to, size, &got));
}

tls_result tls_socket::write(const char* from, size_t size, size_t& put) {
  ERR_clear_error();
  return result_of(SSL_write_ex(ssl_.get(), from, size, &put));
}

void tls_socket::close_notify() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
}

tls_result tls_socket::result_of(int code) {
  if (code == 1) return tls_result::done;
  switch (SSL_get_error(ssl_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return tls_result::want_read;
    case SSL_ERROR_WANT_WRITE:
      return tls_result::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return tls_result::closed;
    case SSL_ERROR_SYSCALL:
      return tls_result::closed;
    default:
      return tls_result::failed;
  }
}

}  // namespace skerry::http
