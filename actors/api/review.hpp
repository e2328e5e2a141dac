#pragma once
#include <variant>

#include "actors/api/auth.hpp"
#include "actors/api/body.hpp"
#include "actors/api/status.hpp"
#include "schema/json.hpp"

namespace skerry::api {

/// What a review decides by.
struct review_basis {
  const std::vector<grant>& grants;
  const store::view& view;
};

/// Answers a POST of SelfSubjectAccessReview, SubjectAccessReview, SelfSubjectRulesReview (authorization.k8s.io/v1) or
/// SelfSubjectReview (authentication.k8s.io/v1): the review with its status. Holds and writes nothing.
std::variant<reply, failure> review(std::string_view group, std::string_view plural, const user& who,
                                    const ports::http_request& request, const review_basis& by,
                                    const body_readers& readers);

}  // namespace skerry::api
