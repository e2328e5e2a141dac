#pragma once
#include <openssl/ssl.h>

#include <cstddef>
#include <memory>

namespace skerry::http {

enum class tls_result : uint8_t {
  done,        ///< made progress
  want_read,   ///< wait until the socket is readable, then call again
  want_write,  ///< wait until it is writable, then call again
  closed,      ///< the peer ended the stream
  failed,      ///< handshake refused, reset, garbage
};

/// The server's end of TLS straight on a non-blocking socket: OpenSSL reads and writes the descriptor itself, so that
/// a record is copied once each way (asio's ssl::stream takes it through a BIO pair and three copies).
/// Sends never raise SIGPIPE. Does not own the descriptor. Not thread-safe.
class tls_socket {
public:
  tls_socket(SSL_CTX* context, int descriptor);

  tls_result handshake();
  /// Reads up to `size` bytes; `got` is set when done.
  tls_result read(char* to, size_t size, size_t& got);
  /// True if bytes that arrived already wait inside OpenSSL: the socket will not become readable for them.
  bool pending() const { return SSL_has_pending(ssl_.get()) == 1; }
  /// Writes up to `size` bytes; after want_* the next call must begin with the same bytes.
  tls_result write(const char* from, size_t size, size_t& put);
  /// Tells the peer that nothing follows, if the socket takes it now.
  void close_notify();

  SSL* native() { return ssl_.get(); }
  /// Gives the session away, with what it has buffered, to one that sets its own BIO.
  SSL* release() { return ssl_.release(); }

private:
  tls_result result_of(int code);
  struct free_ssl {
    void operator()(SSL* x) const { SSL_free(x); }
  };
  std::unique_ptr<SSL, free_ssl> ssl_;
};

}  // namespace skerry::http
