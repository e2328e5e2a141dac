#pragma once
#include <cstdint>
#include <string>

#include "schema/json.hpp"

namespace skerry::controllers {

/// Says in a Node's status that nothing was heard of it for a lease: Ready and the pressure conditions become Unknown,
/// reason NodeStatusUnknown (NodeStatusNeverUpdated for those it never had), as
/// kubernetes/pkg/controller/nodelifecycle. Returns true if that changed it.
bool mark_unheard(json::value& node, int64_t now_ms);

/// True if Ready is Unknown because `mark_unheard` said so.
bool is_marked_unheard(const json::value& node);

/// Puts conditions back that `mark_unheard` had replaced: the node was heard again and had nothing new to say.
void restore_conditions(json::value& node, const json::array& before, int64_t now_ms);

/// Makes spec.taints follow the conditions, effect NoSchedule: not-ready, unreachable, unschedulable, the pressures
/// (TaintNodesByCondition). Never NoExecute: a node that is cut off keeps its pods. Other taints are left alone.
/// Returns true if that changed it.
bool sync_taints(json::value& node);

}  // namespace skerry::controllers
