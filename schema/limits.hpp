#pragma once
#include <cstddef>
#include <cstdint>

/// Every bound of the system, with its unit last in the name, and how they relate.
namespace skerry::limits {

// -- API
// ---------------------------------------------------------------------------------------------------------------
inline constexpr size_t request_body_bytes_max = 3 * 1024 * 1024;  ///< as kube-apiserver's limit for JSON bodies
inline constexpr size_t object_bytes_max = 1536 * 1024;            ///< etcd's own default for one request
inline constexpr size_t json_depth_max = 64;
inline constexpr size_t list_page_max = 10'000;
inline constexpr size_t watch_queue_bytes_max = 8 * 1024 * 1024;  ///< a slower watcher is closed and must relist
inline constexpr size_t connections_max = 20'000;
inline constexpr uint32_t request_deadline_ms = 60'000;
inline constexpr uint32_t keep_alive_ms_max = 180'000;

// -- store
// -------------------------------------------------------------------------------------------------------------
inline constexpr size_t batch_writes_max = 512;  ///< writes folded into one synced commit
inline constexpr size_t batch_bytes_max = 4 * 1024 * 1024;
inline constexpr size_t log_events_max = 20'000;  ///< recent changes on disk for watches to start from
inline constexpr uint32_t log_age_ms_max = 5 * 60 * 1000;
inline constexpr size_t log_bytes_max = 64 * 1024 * 1024;
inline constexpr size_t recent_bytes_max = 4 * 1024 * 1024;  ///< of them in memory: superseded states held for that
inline constexpr size_t recent_events_max = 4'096;
inline constexpr size_t replay_events_max = 256;  ///< sent to one watcher in one turn
inline constexpr size_t replay_bytes_max = 1024 * 1024;
inline constexpr size_t subscribers_max = 20'000;

// -- link
// --------------------------------------------------------------------------------------------------------------
inline constexpr size_t frame_bytes_max = 4 * 1024 * 1024;
inline constexpr uint32_t ping_ms = 10'000;
inline constexpr uint32_t half_open_ms = 30'000;  ///< nothing heard for so long: the connection is dead
inline constexpr uint32_t reconnect_ms_min = 200;
inline constexpr uint32_t reconnect_ms_max = 30'000;
inline constexpr uint32_t lease_ms = 40'000;           ///< as Kubernetes' node-monitor-grace-period
inline constexpr uint32_t connect_ms_max = 10'000;     ///< name, TCP and TLS; then again for the answer to hello
inline constexpr size_t chunk_bytes_max = 512 * 1024;  ///< a frame of many objects or facts is closed beyond this
inline constexpr size_t desired_window = 4;            ///< frames sent and not acknowledged
inline constexpr size_t facts_window = 4;
inline constexpr size_t facts_per_frame_max = 128;
inline constexpr size_t fact_bytes_max = 1024 * 1024;          ///< one pod or node status, or event
inline constexpr size_t events_waiting_max = 1000;             ///< in the edge's journal
inline constexpr size_t inbound_bytes_max = 16 * 1024 * 1024;  ///< received and not yet handled, for one connection
inline constexpr size_t handshakes_max = 256;                  ///< connections that did not yet say hello or join
inline constexpr uint32_t sessions_per_second_max = 200;       ///< admission of a returning fleet
inline constexpr size_t held_objects_max = 20'000;             ///< in one hello

// -- letters between islands
// ----------------------------------------------------------------------------------------
inline constexpr size_t letter_bytes_max = 1536 * 1024;          ///< one message; larger: errc::too_large to the sender
inline constexpr size_t envelope_bytes = 64;                     ///< what a letter counts beside its body
inline constexpr size_t letters_window_bytes = 4 * 1024 * 1024;  ///< delivered to mailboxes and not handled, for a link
inline constexpr size_t letters_frame_bytes = 64 * 1024;         ///< a frame of letters is closed beyond this
inline constexpr size_t letters_frame_max = 1024;                ///< letters in one
inline constexpr size_t link_names_max = 8'192;  ///< paths with a number, each way; then they start anew
inline constexpr size_t fleeting_waiting_bytes_max = 8 * 1024 * 1024;  ///< for a link; then the oldest are dropped
inline constexpr size_t fleeting_waiting_max = 65'536;
inline constexpr size_t latest_waiting_max = 65'536;    ///< keys for a link; then new keys: errc::too_many
inline constexpr size_t calls_waiting_max = 65'536;     ///< requests over a link without an answer; then too_many
inline constexpr size_t durable_waiting_max = 200'000;  ///< letters in the journal for a neighbour; then senders
inline constexpr size_t durable_waiting_bytes_max =
    64 * 1024 * 1024;                                            ///< are held (mesh_args::block_ms), then too_many
inline constexpr size_t durable_memory_bytes = 4 * 1024 * 1024;  ///< of them in memory; other bodies are read when sent
inline constexpr size_t durable_window = 8'192;                  ///< sent and not acknowledged, for a link
inline constexpr size_t streams_max = 65'536;             ///< durable streams with something under way, coming in
inline constexpr size_t exported_max = 65'536;            ///< actors without a path known to others; oldest go first
inline constexpr size_t observers_max = 1'024;            ///< of one link
inline constexpr uint32_t relayed_call_ms_max = 120'000;  ///< a request over a relay ends by then
inline constexpr uint32_t latest_again_ms = 250;          ///< after nobody stood there

// -- node
// --------------------------------------------------------------------------------------------------------------
inline constexpr size_t pods_per_node_max = 110;            ///< Kubernetes' default for a node
inline constexpr uint32_t restart_backoff_ms_min = 10'000;  ///< kubelet's CrashLoopBackOff
inline constexpr uint32_t restart_backoff_ms_max = 300'000;
inline constexpr uint32_t backoff_reset_ms = 600'000;

static_assert(object_bytes_max <= request_body_bytes_max);
static_assert(object_bytes_max * 2 < frame_bytes_max, "one object always fits a frame, with its envelope");
static_assert(object_bytes_max <= batch_bytes_max);
static_assert(chunk_bytes_max + object_bytes_max < frame_bytes_max &&
              chunk_bytes_max + fact_bytes_max < frame_bytes_max);
static_assert(facts_window * frame_bytes_max <= inbound_bytes_max, "a correct peer never overruns the bound");
static_assert(letter_bytes_max * 2 < frame_bytes_max && letters_frame_bytes + letter_bytes_max < frame_bytes_max);
static_assert(letter_bytes_max + envelope_bytes <= letters_window_bytes, "every letter can cross");
static_assert(streams_max < (1 << 18), "a receipt has 18 bits for its stream");
static_assert(recent_events_max <= log_events_max && recent_bytes_max <= log_bytes_max);
static_assert(half_open_ms >= 2 * ping_ms, "one lost ping is not a dead link");
static_assert(half_open_ms <= lease_ms, "a dead link is known before its lease runs out");

}  // namespace skerry::limits
