#include "drivers/http/tls_socket.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

namespace skerry::http {
namespace {

int descriptor_of(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

int bio_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  auto n = ::recv(descriptor_of(bio), to, static_cast<size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  auto n = ::send(descriptor_of(bio), from, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// A method table without state; made once for the process, as OpenSSL's own tables are.
const BIO_METHOD* socket_method() {
  static const auto* method = [] {
    auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "skerry socket");
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    BIO_meth_set_create(m, [](BIO* b) {
      BIO_set_init(b, 1);
      return 1;
    });
    return m;
  }();
  return method;
}

}  // namespace

tls_socket::tls_socket(SSL_CTX* context, int descriptor) : ssl_(SSL_new(context)) {
  auto* bio = BIO_new(socket_method());
  if (ssl_ == nullptr || bio == nullptr) throw std::bad_alloc{};
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(descriptor)));
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
