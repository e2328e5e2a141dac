/* A driver for devices as a shared object: what it exports, and what the agent gives it. Plain C; any language that can
 * make a shared object with a C function in it will do. docs/devices.md says how a driver is built and where it is put.
 *
 * The agent loads DIR/PROTOCOL.so when a device asks for that protocol, calls skerry_driver_main() once, and keeps the
 * object until it ends. Rules:
 *
 * - Threads. The agent calls the functions of one driver on one thread, one after the other. They may block (the devices
 *   of this driver then wait for each other; no others do), but should return within the deadline that they are given: a
 *   driver with many devices starts work, returns, and answers later from a thread of its own. The functions of
 *   skerry_host may be called from any thread, also from within a call of the agent's; they return soon and call nothing
 *   of the driver's.
 * - Ownership. What a pointer in an argument points at belongs to who calls, and is there until the call returns: who
 *   wants it longer copies it. That holds in both directions.
 * - Answers. Each ticket is answered once. A second answer, or one after the deadline, is ignored; a ticket without an
 *   answer is answered by the agent at its deadline.
 * - The end. Once close() has returned, the driver makes no call for that device any more.
 * - Faults. No exception and no longjmp leaves a function of the driver's. A driver that crashes ends the agent (not the
 *   containers); one that hangs stops its own devices alone.
 * - Bounds. Texts and values of more than 4096 bytes are cut. Texts are UTF-8 and need no NUL at their end.
 *
 * What is added later is added at the ends of the structs below, whose `size` says what the other side knows; what would
 * break a driver gets another SKERRY_DRIVER_ABI. */
#ifndef SKERRY_DRIVER_H
#define SKERRY_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SKERRY_DRIVER_ABI 1u

typedef struct skerry_text {
  const char *data;
  size_t size;
} skerry_text;

typedef int32_t skerry_status;
enum {
  SKERRY_OK = 0,
  SKERRY_INVALID = 1,     /* the device or its configuration refuses it: no use in trying again */
  SKERRY_UNAVAILABLE = 2, /* not just now */
  SKERRY_TIMED_OUT = 3,
  SKERRY_TOO_MANY = 4 /* a bound of the driver's is reached */
};

/* How far a value can be relied upon. */
enum { SKERRY_GOOD = 0, SKERRY_UNCERTAIN = 1, SKERRY_BAD = 2 };

enum { SKERRY_TEXT = 0, SKERRY_INTEGER = 1, SKERRY_REAL = 2, SKERRY_BOOLEAN = 3, SKERRY_BYTES = 4 };

/* A value, decoded: `scale` and `valueOffset` of the property, its type and its bounds are the agent's. */
typedef struct skerry_value {
  uint32_t kind;
  union {
    skerry_text text; /* SKERRY_TEXT, SKERRY_BYTES */
    int64_t integer;
    double real;
    int32_t boolean;
  } as;
} skerry_value;

typedef struct skerry_reading {
  uint32_t point;   /* which: an index into skerry_device.points */
  uint32_t quality; /* SKERRY_GOOD, ... */
  skerry_text why;  /* of a quality that is not good */
  skerry_value value;
  int64_t age_ms; /* how long ago the device said so, where it was not asked now */
  uint64_t said;  /* then also a number of what it said: the same one again is nothing new. Else 0 */
} skerry_reading;

typedef struct skerry_point {
  skerry_text name;   /* of the property, for messages */
  skerry_text config; /* visitors.configData, a JSON object */
} skerry_point;

typedef struct skerry_device {
  uint32_t size; /* sizeof(skerry_device) of the agent's */
  uint32_t point_count;
  skerry_text name;   /* "namespace/name", for messages */
  skerry_text config; /* spec.protocol.configData, a JSON object */
  const skerry_point *points;
} skerry_device;

typedef struct skerry_host skerry_host;
struct skerry_host {
  uint32_t abi, size;
  /* The device answers, or does not and why. At the first answer or failure, and whenever it changes. */
  void (*health)(const skerry_host *host, uint64_t device, int32_t online, skerry_text why);
  /* The device has said something by itself: it is worth reading now. Not again before the next read. */
  void (*news)(const skerry_host *host, uint64_t device);
  /* Answers read(): a reading for each point that was asked for. One that is missing is bad. Where the device speaks by
   * itself there may be several for a point, oldest first: all that it said since the last read. */
  void (*read_done)(const skerry_host *host, uint64_t ticket, const skerry_reading *readings, size_t count);
  /* Answers write(). */
  void (*write_done)(const skerry_host *host, uint64_t ticket, skerry_status status, skerry_text why);
  /* Answers discover(): a JSON array with what was found, or why it failed. */
  void (*discover_done)(const skerry_host *host, uint64_t ticket, skerry_status status, skerry_text found);
};

typedef struct skerry_driver {
  uint32_t abi;  /* SKERRY_DRIVER_ABI */
  uint32_t size; /* sizeof(skerry_driver) */
  const char *protocol; /* the name of the file without .so, in lower case: protocolName of its devices */
  const char *version;  /* the driver's own, for messages */
  /* Takes a device on, without waiting for it: the driver connects, and connects again with a growing pause, by itself
   * or as it is asked to read and write. `host` and `device` are for the calls above, and stay until close() returns.
   * `*self` is what the other functions get. Not SKERRY_OK: why (at most why_size bytes with the NUL), and close() is
   * not called; the agent tries again later, with a growing pause, unless it was SKERRY_INVALID. */
  skerry_status (*open)(const skerry_host *host, uint64_t device, const skerry_device *what, void **self, char *why,
                        size_t why_size);
  /* Reads points: answered by host->read_done with this ticket, within deadline_ms. */
  void (*read)(void *self, uint64_t ticket, const uint32_t *points, size_t count, uint32_t deadline_ms);
  /* Writes a point; `value` is a SKERRY_TEXT, as kubectl shows it ("21.5", "true"), with scale and offset taken off.
   * Answered by host->write_done. */
  void (*write)(void *self, uint64_t ticket, uint32_t point, const skerry_value *value, uint32_t deadline_ms);
  /* The device goes. It does not wait for it. */
  void (*close)(void *self);
  /* NULL if it cannot: looks for devices at a place, within deadline_ms, for a tool that runs once. `where` is as
   * configData. Answered by host->discover_done, with an array of
   * {"name", "config": configData, "properties": [{"name", "type", "readOnly", "config": visitors.configData}]}. */
  void (*discover)(const skerry_host *host, uint64_t ticket, skerry_text where, uint32_t deadline_ms);
} skerry_driver;

/* The one function that a driver exports: its table, which stays where it is. NULL if it cannot work here. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const skerry_driver *
skerry_driver_main(void);
typedef const skerry_driver *(*skerry_driver_main_function)(void);

#ifdef __cplusplus
}
#endif
#endif
