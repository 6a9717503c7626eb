#include "diagnose/finding.hpp"

#include <algorithm>

namespace sockward {

Confidence confidence_of(const Finding& finding) {
  if (finding.cause == Cause::unknown) return Confidence::unknown;
  const bool proven =
      std::all_of(finding.evidence.begin(), finding.evidence.end(),
                  [](const Evidence& evidence) { return evidence.remark || evidence.standing.proven(); });
  return proven && finding.alternative.empty() ? Confidence::certain : Confidence::likely;
}

Diagnosis to_diagnosis(Finding finding) {
  Diagnosis diagnosis{.cause = finding.cause,
                      .confidence = confidence_of(finding),
                      .evidence = {},
                      .unproven = {},
                      .advice = std::move(finding.advice),
                      .holder = std::move(finding.holder),
                      .name = std::move(finding.name),
                      .flap = finding.flap,
                      .policy = std::move(finding.policy),
                      .policy_profile = std::move(finding.policy_profile)};
  for (const Evidence& evidence : finding.evidence) {
    if (!evidence.remark && !evidence.standing.proven())
      diagnosis.unproven.push_back(evidence.standing.doubt.empty()
                                       ? evidence.text + " (looked up after the call)"
                                       : evidence.text + ": " + evidence.standing.doubt);
    diagnosis.evidence.push_back(evidence.text);
  }
  if (!finding.alternative.empty()) diagnosis.unproven.push_back(std::move(finding.alternative));
  return diagnosis;
}

}  // namespace sockward
