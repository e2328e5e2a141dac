/* A driver for what Linux shows as files: sensors below /sys/class/hwmon, /sys/class/thermal and /sys/bus/iio, LEDs,
 * GPIO values, or any file with a number or a text in it. Devices ask for it with protocolName `file`:
 *
 *   spec.protocol.configData: {"directory": "/sys/class/thermal/thermal_zone0"}
 *   properties[].visitors.configData: {"file": "temp", "scale": 0.001}
 *
 * `scale` is the agent's business: it gets what the file says. Reading such a file takes no time that counts, so all is
 * done within the call, on the agent's thread; a driver that waits for a network would answer later, from its own. */
#include <errno.h>
#include <fcntl.h>
#include <skerry_driver.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, VALUE_BYTES = 4096 };

struct machine {
  const skerry_host *host;
  uint64_t id;
  uint32_t count;
  int told; /* -1: nothing yet, else whether it was said to be online */
  char directory[PATH_BYTES];
  char (*files)[PATH_BYTES]; /* of each point; empty: its configuration names none */
};

/* The text of a member of a JSON object, if it is a plain one: enough for names of files. 0 if there is none. */
static int member(skerry_text object, const char *key, char *out, size_t size) {
  char mark[64];
  int length = snprintf(mark, sizeof mark, "\"%s\":\"", key);
  for (size_t i = 0; i + (size_t)length < object.size; ++i) {
    if (memcmp(object.data + i, mark, (size_t)length) != 0) continue;
    const char *begin = object.data + i + length;
    const char *end = memchr(begin, '"', object.size - i - (size_t)length);
    if (end == NULL || (size_t)(end - begin) >= size || memchr(begin, '\\', (size_t)(end - begin)) != NULL) return 0;
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
    return end != begin;
  }
  return 0;
}

static skerry_status open_machine(const skerry_host *host, uint64_t id, const skerry_device *what, void **self, char *why,
                                  size_t why_size) {
  struct machine *m = calloc(1, sizeof *m);
  if (m != NULL) m->files = calloc(what->point_count + 1, sizeof *m->files);
  if (m == NULL || m->files == NULL) {
    free(m);
    snprintf(why, why_size, "out of memory");
    return SKERRY_UNAVAILABLE;
  }
  m->host = host;
  m->id = id;
  m->count = what->point_count;
  m->told = -1;
  if (!member(what->config, "directory", m->directory, sizeof m->directory) || m->directory[0] != '/') {
    snprintf(why, why_size, "spec.protocol.configData.directory must be a path, as /sys/class/thermal/thermal_zone0");
    free(m->files);
    free(m);
    return SKERRY_INVALID;
  }
  for (uint32_t i = 0; i < m->count; ++i)
    if (!member(what->points[i].config, "file", m->files[i], PATH_BYTES) || strstr(m->files[i], "..") != NULL)
      m->files[i][0] = '\0'; /* it reads as bad, and says so */
  *self = m;
  return SKERRY_OK;
}

static int open_file(const struct machine *m, uint32_t point, int flags) {
  char path[2 * PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", m->directory, m->files[point]);
  return open(path, flags | O_CLOEXEC | O_NONBLOCK);
}

/* Reads the first line; returns an errno. */
static int read_value(const struct machine *m, uint32_t point, char *out, size_t size, size_t *length) {
  int fd = open_file(m, point, O_RDONLY);
  if (fd < 0) return errno;
  ssize_t n = read(fd, out, size);
  int error = n < 0 ? errno : 0;
  close(fd);
  if (error != 0) return error;
  const char *end = memchr(out, '\n', (size_t)n);
  *length = end != NULL ? (size_t)(end - out) : (size_t)n;
  return 0;
}

static skerry_text text(const char *s) {
  skerry_text t = {s, strlen(s)};
  return t;
}

/* It is there as long as its directory is. */
static void tell(struct machine *m) {
  int there = access(m->directory, F_OK) == 0;
  if (there == m->told) return;
  m->told = there;
  m->host->health(m->host, m->id, there, text(there ? "" : "its directory is not there"));
}

static void read_points(void *self, uint64_t ticket, const uint32_t *points, size_t count, uint32_t deadline_ms) {
  struct machine *m = self;
  (void)deadline_ms;
  tell(m);
  skerry_reading *readings = calloc(count, sizeof *readings);
  char *values = calloc(count, VALUE_BYTES);
  for (size_t i = 0; readings != NULL && values != NULL && i < count; ++i) {
    skerry_reading *r = &readings[i];
    char *value = values + i * VALUE_BYTES;
    r->point = points[i];
    r->quality = SKERRY_BAD;
    size_t length = 0;
    if (m->files[points[i]][0] == '\0') {
      r->why = text("visitors.configData.file must be the name of a file in the device's directory");
      continue;
    }
    int error = read_value(m, points[i], value, VALUE_BYTES, &length);
    if (error != 0) {
      r->why = text(strerror(error));
      continue;
    }
    r->quality = SKERRY_GOOD;
    r->value.kind = SKERRY_TEXT;
    r->value.as.text.data = value;
    r->value.as.text.size = length;
  }
  m->host->read_done(m->host, ticket, readings, readings != NULL && values != NULL ? count : 0);
  free(values);
  free(readings);
}

static void write_point(void *self, uint64_t ticket, uint32_t point, const skerry_value *value, uint32_t deadline_ms) {
  struct machine *m = self;
  (void)deadline_ms;
  int fd = open_file(m, point, O_WRONLY | O_TRUNC);
  ssize_t n = fd < 0 ? -1 : write(fd, value->as.text.data, value->as.text.size);
  int error = n < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  skerry_status status = error == 0                                            ? SKERRY_OK
                         : error == ENOENT || error == EAGAIN || error == EBUSY ? SKERRY_UNAVAILABLE
                                                                               : SKERRY_INVALID;
  m->host->write_done(m->host, ticket, status, text(error == 0 ? "" : strerror(error)));
}

static void close_machine(void *self) {
  struct machine *m = self;
  free(m->files);
  free(m);
}

const skerry_driver *skerry_driver_main(void) {
  static const skerry_driver table = {.abi = SKERRY_DRIVER_ABI,
                                      .size = sizeof table,
                                      .protocol = "file",
                                      .version = "1.0",
                                      .open = open_machine,
                                      .read = read_points,
                                      .write = write_point,
                                      .close = close_machine};
  return &table;
}
